/** Latencies as ZooKeeper shows them: whole milliseconds, the mean to four digits. What was measured is between the two bounds. */

export interface LatencyFigures {
	readonly minMs: number;
	readonly meanMs: number;
	readonly maxMs: number;
}

export function latencyFigures(latency: LatencyFigures): LatencyFigures {
	return {
		minMs: Math.floor(latency.minMs),
		meanMs: fourDigits(latency.meanMs),
		maxMs: Math.ceil(latency.maxMs),
	};
}

export function fourDigits(value: number): number {
	return Math.round(value * 10_000) / 10_000;
}
