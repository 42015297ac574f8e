/** What the client port counts for all connections together: the figures of `srvr`, `stat` and `mntr`. */
import { Latency } from './latency.ts';

export class ServiceStats {
	readonly latency = new Latency();
	packetsReceived = 0;
	packetsSent = 0;
	bytesReceived = 0;
	bytesSent = 0;
	/** Connections that a limit turned away. */
	connectionsRejected = 0;
	/** Bytes of the bodies of answers, as the command `stat` shows them (`lastclientresponsesize` and so on); -1: none yet. */
	lastResponseBytes = -1;
	minResponseBytes = -1;
	maxResponseBytes = -1;

	responded(bytes: number): void {
		this.lastResponseBytes = bytes;
		if (this.minResponseBytes === -1 || bytes < this.minResponseBytes) this.minResponseBytes = bytes;
		if (bytes > this.maxResponseBytes) this.maxResponseBytes = bytes;
	}

	/** `srst`: the counters start anew. */
	reset(): void {
		this.latency.reset();
		this.packetsReceived = 0;
		this.packetsSent = 0;
		this.lastResponseBytes = -1;
		this.minResponseBytes = -1;
		this.maxResponseBytes = -1;
	}
}
