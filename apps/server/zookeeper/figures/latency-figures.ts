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

/** A number that has a fraction in Java: `0.0`, `1.25`. */
export function decimalText(value: number): string {
	return Number.isInteger(value) ? `${value}.0` : String(value);
}
