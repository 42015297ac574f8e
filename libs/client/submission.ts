/** An operation on its way: from the caller to a stream, perhaps over several, and back. */
import type { Operation } from './operation.ts';
import type { NodeEvent } from './watched-event.ts';

/** How long the caller waits, and for what. */
export interface Patience {
	readonly signal?: AbortSignal | undefined;
	readonly timeoutMs?: number | undefined;
}

export type NodeListener = (event: NodeEvent) => void;

export class Submission {
	readonly op: Operation;
	readonly resolve: (value: never) => void;
	readonly reject: (error: Error) => void;
	/** The operation's number in its session, which it keeps over streams; 0: it was never sent. */
	id = 0;
	/** The caller has what it will get: an answer, should one come, is for nobody. */
	isSettled = false;
	/** Of the one-shot watch that it sets. */
	listener: NodeListener | undefined = undefined;
	/** Ends timers and the like. */
	cleanUp: (() => void) | undefined = undefined;
	/** Of the caller's span. */
	traceparent = '';

	constructor(op: Operation, resolve: (value: never) => void, reject: (error: Error) => void) {
		this.op = op;
		this.resolve = resolve;
		this.reject = reject;
	}

	get wasSent(): boolean {
		return this.id !== 0;
	}

	/** The caller gave it up before it was sent: it will not be done. */
	get isTakenBack(): boolean {
		return this.isSettled && this.id === 0;
	}

	succeed(value: unknown): void {
		if (this.isSettled) return;
		this.#settle();
		this.resolve(value as never);
	}

	fail(error: Error): void {
		if (this.isSettled) return;
		this.#settle();
		this.reject(error);
	}

	#settle(): void {
		this.isSettled = true;
		this.cleanUp?.();
		this.cleanUp = undefined;
	}
}

/** Of the operation; empty for those that have none. */
export function pathOf(op: Operation): string {
	return 'path' in op.value ? op.value.path : '';
}

const repeatable: ReadonlySet<Operation['$case']> = new Set([
	'get',
	'exists',
	'listChildren',
	'multiRead',
	'sync',
	'getAcl',
	'whoAmI',
	'getEphemerals',
	'getAllChildrenNumber',
	'addWatch',
	'authenticate',
	'keepAlive',
]);

/** Done twice it is the same as done once, whatever was done in between. */
export function isRepeatable(op: Operation): boolean {
	return repeatable.has(op.$case);
}
