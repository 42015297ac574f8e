/** What one connection has seen: a line of `cons`. */
import { Tally } from '#core/model/tally';

export class ConnectionStats {
	/** Milliseconds since 1970. */
	readonly establishedMs = Date.now();
	/** Milliseconds. */
	readonly latency = new Tally();
	packetsReceived = 0;
	packetsSent = 0;
	/** ZooKeeper's name of the last operation answered: `GETD`, `PING`, `SESS`; `NA` before the first. */
	lastOp = 'NA';
	/** Its xid; -1 before the first. */
	lastCxid = -1;
	/** The zxid in its answer; -1 before the first. */
	lastZxid = -1;
	/** When it was answered, in milliseconds of the process's monotonic clock; 0 before the first. */
	lastResponseMs = 0;
	/** How long it took. */
	lastLatencyMs = 0;

	/** @param nowMs and the latency are of the process's monotonic clock */
	answered(op: string, cxid: number, zxid: number, nowMs: number, latencyMs: number): void {
		this.lastOp = op;
		// Not of a ping, nor of whatever else has no number of its own.
		if (cxid >= 0) this.lastCxid = cxid;
		this.lastZxid = zxid;
		this.lastResponseMs = nowMs;
		this.lastLatencyMs = latencyMs;
		this.latency.add(latencyMs);
	}

	/** `crst`: the counters start anew. */
	reset(): void {
		this.latency.reset();
		this.packetsReceived = 0;
		this.packetsSent = 0;
		this.lastOp = 'NA';
		this.lastCxid = -1;
		this.lastZxid = -1;
		this.lastResponseMs = 0;
		this.lastLatencyMs = 0;
	}
}
