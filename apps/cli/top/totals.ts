/** What one interval was as a whole. */
import type { WatchStatusResponse } from '#client/client';

export interface Totals {
	/** All per second. */
	readonly reads: number;
	readonly writes: number;
	readonly errors: number;
	/** The slowest 99th percentile of any kind of operation, milliseconds. */
	readonly p99Ms: number;
}

/** What goes through the log. */
const isWrite = /^(create|delete|setData|setACL|multi$|reconfig|closeSession)/;

export function totalsOf({ operations }: Pick<WatchStatusResponse, 'operations'>): Totals {
	let [reads, writes, errors, p99Ms] = [0, 0, 0, 0];
	for (const { operation, rate, errorRate, latency } of operations) {
		if (isWrite.test(operation)) writes += rate;
		else reads += rate;
		errors += errorRate;
		p99Ms = Math.max(p99Ms, latency?.p99Ms ?? 0);
	}
	return { reads, writes, errors, p99Ms };
}
