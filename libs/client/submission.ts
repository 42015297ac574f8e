/** An operation on its way: from the caller to a stream, perhaps over several, and back. */
import { OperationAbortedError, OperationTimeoutError } from './errors.ts';
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
	/** What the session had seen when it was sent first. */
	sentAtZxid = 0n;
	/** The caller has what it will get: an answer, should one come, is for nobody. */
	isSettled = false;
	/** What the caller gets of the answer; absent: the answer. */
	made: ((value: never) => unknown) | undefined = undefined;
	/** Of the one-shot watch that it sets. */
	listener: NodeListener | undefined = undefined;
	/** Ends timers and the like. */
	cleanUp: (() => void) | undefined = undefined;
	/** Of the caller's span. */
	traceparent = '';
	/** Only this stream needs it: what it is for is done anew on the next one. */
	isOfStream = false;

	constructor(op: Operation, resolve: (value: never) => void, reject: (error: Error) => void) {
		this.op = op;
		this.resolve = resolve;
		this.reject = reject;
	}

	/** Part of beginning a stream, or of keeping it up. @param answered with the answer, unless it is an error or never comes */
	static ofStream(
		op: Operation,
		answered: (value: never) => void = nothing,
		failed: (error: Error) => void = nothing,
	): Submission {
		const submission = new Submission(op, answered, failed);
		submission.isOfStream = true;
		return submission;
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
		const { made } = this;
		this.resolve((made === undefined ? value : made(value as never)) as never);
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

/** Ends the caller's wait when its patience does. @param path as errors have it @param takeBack removes what was never sent from where it waits */
export function limit(
	submission: Submission,
	{ signal, timeoutMs }: Patience,
	path: string,
	takeBack: (submission: Submission) => void,
): void {
	const giveUp = (error: Error): void => {
		submission.fail(error);
		if (submission.isTakenBack) takeBack(submission);
	};
	const abort = () => giveUp(new OperationAbortedError(path, signal!.reason, submission.wasSent));
	const late = () => giveUp(new OperationTimeoutError(path, timeoutMs!, submission.wasSent));
	const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
	signal?.addEventListener('abort', abort);
	submission.cleanUp = () => {
		clearTimeout(timer);
		signal?.removeEventListener('abort', abort);
	};
	if (signal?.aborted) abort();
}

/** Of the operation; empty for those that have none. */
export function pathOf(op: Operation): string {
	return 'path' in op.value ? op.value.path : '';
}

const nothing = (): void => {};

/** Whether it may be sent again when its answer did not come. A server knows a write again, and answers it with its first result; the rest is the same however often it is done. */
export function isRepeatable(op: Operation): boolean {
	return op.$case !== 'closeSession' && op.$case !== 'setWatches';
}

/** What its data take. */
export function dataBytes(op: Operation): number {
	switch (op.$case) {
		case 'create':
		case 'set':
			return op.value.data?.length ?? 0;
		case 'multi': {
			let bytes = 0;
			for (const { op: one } of op.value.ops)
				if (one !== undefined && 'data' in one.value) bytes += one.value.data?.length ?? 0;
			return bytes;
		}
		default:
			return 0;
	}
}
