import type { ValueType } from './value-types.ts';

export interface Key<T> {
	readonly type: ValueType<T>;
	readonly fallback: T;
	/** One sentence or two, Markdown. */
	readonly meaning: string;
	/** Whether its value may not be shown. */
	readonly secret?: boolean;
}

export function key<T>(type: ValueType<T>, fallback: NoInfer<T>, meaning: string, secret = false): Key<T> {
	return { type, fallback, meaning, secret };
}
