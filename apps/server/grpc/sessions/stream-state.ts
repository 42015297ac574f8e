/** Where a stream of Operate stands, and what holds it up. */
export type StreamState =
	/** Nothing has come. */
	| 'new'
	/** Its session is being opened or attached. */
	| 'opening'
	| 'open'
	/** Nothing more is read; it ends when what is under way is answered. */
	| 'ending'
	/** Nothing more is answered. */
	| 'ended';

/** Why nothing is taken, as bits. */
export const pause = { opening: 1, throttled: 2, window: 4, unsent: 8, barrier: 16 } as const;

/** More than this unsent, and the caller has to read before more is done for it. */
export const backedUpBytes = 1 << 20;
