/** Time and chance enter the core here only. */
export interface Clock {
	/** Wall clock, milliseconds since 1970: the time in transaction headers. */
	now(): number;
	/** Monotonic milliseconds, for expiry and durations. */
	monotonicMs(): number;
}

export interface Random {
	/** Uniform in [0, 1). */
	next(): number;
}
