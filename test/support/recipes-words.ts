/** What a process that uses all recipes at once (recipes-worker.ts) tells its parent, a line of JSON each. */

export type Word = (
	| PossessionWord
	| AdditionWord
	| DoubleBarrierWord
	| GroupWord
	/** What the shared value was written by, as it is seen to change. */
	| { readonly about: 'value'; readonly zxid: string }
	/** It has come through the barrier of this generation. */
	| { readonly about: 'barrier'; readonly generation: number }
	/** It hears of each change of the group that is behind this zxid. */
	| { readonly about: 'group is heard'; readonly zxid: string }
	| { readonly about: 'services'; readonly ids: readonly string[] }
	| { readonly about: 'connection'; readonly state: string }
	| { readonly about: 'partitions'; readonly names: readonly string[] }
) & {
	/** When it was said, by the clock of the machine's processes. */
	readonly atMs: number;
};

export interface PossessionWord {
	readonly about: 'possession';
	/** Of what is had. */
	readonly name: string;
	/** `wrote`: in a transaction of the lock; `refused`: such a transaction found it gone; `failed`: nobody knows. `left`: by its own will, or told to; `lost`: with its session. */
	readonly kind: 'has' | 'wrote' | 'refused' | 'failed' | 'left' | 'lost';
	readonly token: string;
	/** How much of it: `all` is had by nobody else. */
	readonly share: Share;
	/** Of what was written. */
	readonly zxid?: string;
}

export type Share = 'all' | 'part';

/** One was added to the counter, or to one's own number in the shared value. */
export interface AdditionWord {
	readonly about: 'addition';
	readonly to: 'counter' | 'value';
	/** `unknown`: the answer was lost with the session. */
	readonly kind: 'asked' | 'done' | 'unknown';
	/** Of the counter: the number that it got. */
	readonly number?: string;
}

export interface DoubleBarrierWord {
	readonly about: 'double barrier';
	readonly kind: 'entering' | 'inside' | 'leaving' | 'left';
	/** The session in which it went inside is lost. */
	readonly isLost: boolean;
}

export interface GroupWord {
	readonly about: 'group';
	readonly kind: 'joined' | 'left';
	/** Of the member's node. */
	readonly id: string;
	/** Of the member, until it has to join again. */
	readonly token: string;
	/** The transaction that did it, or in which it was found. */
	readonly zxid: string;
}

/** Of the nodes that both sides use. */
export const recipePaths = {
	lock: '/lock',
	leader: '/leader',
	readWrite: '/read-write',
	semaphore: '/semaphore',
	multi: ['/multi/one', '/multi/other'],
	partitioner: '/partitioner',
	/** A node for each possession, which is written in its transactions. */
	journals: '/journals',
	counter: '/counter',
	value: '/value',
	barrier: '/barrier/barrier',
	/** Written while the barrier is set. */
	generation: '/barrier/generation',
	doubleBarrier: '/double-barrier',
	group: '/group',
	mark: '/mark',
	services: '/services',
} as const;

export const service = 'mail';
/** Of the semaphore. */
export const leases = 2;
/** Of the double barrier. */
export const together = 3;
export const partitions = ['north', 'east', 'south', 'west', 'middle'] as const;

/** What is had, and how many can have a part of it. */
export const possessions: Readonly<Record<string, number>> = {
	lock: 1,
	leader: 1,
	'read-write': Number.POSITIVE_INFINITY,
	semaphore: leases,
	'multi/one': 1,
	'multi/other': 1,
	...Object.fromEntries(partitions.map((partition) => [`partition/${partition}`, 1])),
};
