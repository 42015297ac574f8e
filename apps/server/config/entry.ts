/** One key as somebody set it: not yet known, not yet read. */
export interface Entry {
	readonly key: string;
	readonly value: string;
	/** ` (zoo.cfg, line 3)` or ` (CK_TICK_TIME)`, for messages. */
	readonly where: string;
}
