/** What the client port counts for all connections together: the figures of `srvr`, `stat` and `mntr`. */
import { LatencySpread } from './latency-spread.ts';

/** Of every answer, and in front of every frame. */
const headerBytes = 16;
const lengthBytes = 4;

export class ServiceStats {
	/** Of everything that drew no zxid, pings too. */
	readonly readLatency = new LatencySpread();
	readonly updateLatency = new LatencySpread();
	packetsReceived = 0;
	packetsSent = 0;
	bytesReceived = 0;
	bytesSent = 0;
	/** Of them, answers, and watch events: without the lengths in front of them. */
	responseBytes = 0;
	watchBytes = 0;
	/** Handshakes for a new session. */
	sessionsAsked = 0;
	/** Handshakes of clients that came back with a session. */
	sessionsRenewed = 0;
	/** Connections that opened no session in time. */
	sessionlessExpired = 0;
	/** Connections that went without a word. */
	connectionsDropped = 0;
	/** How often a connection was no longer read from because too much was under way. */
	throttleWaits = 0;
	/** Requests that had waited too long, and their connections were closed. */
	staleRequestsDropped = 0;
	/** Credentials that were no good. */
	authFailures = 0;
	/** Connections that a limit turned away. */
	connectionsRejected = 0;
	/** Of one answer, as `mntr` shows them; -1: none yet. */
	lastResponseBytes = -1;
	minResponseBytes = -1;
	maxResponseBytes = -1;

	/** What was answered, be it a read or an update. */
	get latency(): { readonly minMs: number; readonly meanMs: number; readonly maxMs: number } {
		const { readLatency: read, updateLatency: update } = this;
		const count = read.count + update.count;
		return {
			minMs: read.count === 0 ? update.min : update.count === 0 ? read.min : Math.min(read.min, update.min),
			meanMs: count === 0 ? 0 : (read.sum + update.sum) / count,
			maxMs: Math.max(read.max, update.max),
		};
	}

	/** @param isUpdate whether it drew a zxid */
	answered(latencyMs: number, isUpdate: boolean): void {
		(isUpdate ? this.updateLatency : this.readLatency).add(latencyMs);
	}

	/** A watch event left. @param frameBytes with its length */
	told(frameBytes: number): void {
		this.watchBytes += frameBytes - lengthBytes;
	}

	/** @param bodyBytes behind the header */
	responded(bodyBytes: number): void {
		const bytes = headerBytes + bodyBytes;
		this.responseBytes += bytes;
		this.lastResponseBytes = bytes;
		if (this.minResponseBytes === -1 || bytes < this.minResponseBytes) this.minResponseBytes = bytes;
		if (bytes > this.maxResponseBytes) this.maxResponseBytes = bytes;
	}

	/** `srst`: the counters start anew. */
	reset(): void {
		this.readLatency.reset();
		this.updateLatency.reset();
		this.packetsReceived = 0;
		this.packetsSent = 0;
		this.bytesReceived = 0;
		this.bytesSent = 0;
		this.responseBytes = 0;
		this.watchBytes = 0;
		this.connectionsRejected = 0;
		this.sessionsAsked = 0;
		this.sessionsRenewed = 0;
		this.sessionlessExpired = 0;
		this.connectionsDropped = 0;
		this.throttleWaits = 0;
		this.staleRequestsDropped = 0;
		this.lastResponseBytes = -1;
		this.minResponseBytes = -1;
		this.maxResponseBytes = -1;
	}
}
