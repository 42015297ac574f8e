/**
 * One stream of a session: operations go out in batches, what comes in is told in its order. A new one is made when it is lost; what had
 * been sent and not answered is handed back then.
 */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { ErrorDetail } from '#proto/chronokeeper/v1/common';
import type {
	AttachSessionResponse,
	OpenSessionResponse,
	OperateRequest,
	OperateResponse,
	OperateResponse_Item,
} from '#proto/chronokeeper/v1/session';
import type { WatchEvent } from '#proto/chronokeeper/v1/watch';
import type { Answer, Operation } from './operation.ts';

export type OperateCall = ClientDuplexStream<OperateRequest, OperateResponse>;

export interface Submitted {
	readonly op: Operation;
	/** Called before anything that comes behind the answer is looked at. */
	readonly settle: (answer: Answer | { readonly $case: 'error'; readonly value: ErrorDetail }) => void;
	/** The answer will never come. */
	readonly fail: (error: Error) => void;
}

export interface StreamEvents {
	opened(session: OpenSessionResponse): void;
	attached(session: AttachSessionResponse): void;
	event(event: WatchEvent): void;
	/** It takes no more operations; what is under way is still answered. */
	goingAway(reason: string): void;
	/** The last that is told; without an error when the server ended it in order. What was not sent has surely not been done. */
	ended(unanswered: readonly Submitted[], unsent: readonly Submitted[], error: Error | undefined): void;
}

const mostOperations = 256;
const mostBytes = 512 * 1024;

export class OperationStream {
	readonly #call: OperateCall;
	readonly #events: StreamEvents;
	/** Not written yet. */
	#queue: Submitted[] = [];
	/** Written, in the order in which the answers come. */
	#underWay: { readonly id: number; readonly submitted: Submitted }[] = [];
	#lastId = 0;
	#isScheduled = false;
	#isFull = false;
	#error: Error | undefined;

	constructor(call: OperateCall, begin: NonNullable<OperateRequest['begin']>, events: StreamEvents) {
		this.#call = call;
		this.#events = events;
		call.on('data', (response: OperateResponse) => this.#receive(response));
		call.on('drain', () => {
			this.#isFull = false;
			this.#flush();
		});
		// What came before the error is still read: the end is told behind it.
		call.on('error', (error: Error) => {
			this.#error ??= error;
		});
		call.on('end', () => {
			const unanswered = this.#underWay.splice(0).map(({ submitted }) => submitted);
			events.ended(unanswered, this.#queue.splice(0), this.#error);
		});
		call.write({ begin, operations: [] });
	}

	/** What is submitted in one turn goes out together. */
	submit(submitted: Submitted): void {
		this.#queue.push(submitted);
		if (this.#isScheduled) return;
		this.#isScheduled = true;
		queueMicrotask(() => {
			this.#isScheduled = false;
			this.#flush();
		});
	}

	/** What is under way is still answered. @returns what was not sent, and will not be */
	end(): Submitted[] {
		this.#call.end();
		return this.#queue.splice(0);
	}

	cancel(): void {
		this.#call.cancel();
	}

	#flush(): void {
		while (this.#queue.length > 0 && !this.#isFull) this.#isFull = !this.#call.write(this.#batch());
	}

	#batch(): OperateRequest {
		const operations: OperateRequest['operations'] = [];
		let bytes = 0;
		while (this.#queue.length > 0 && operations.length < mostOperations && bytes < mostBytes) {
			const submitted = this.#queue.shift()!;
			this.#lastId = (this.#lastId + 1) >>> 0;
			operations.push({ id: this.#lastId, op: submitted.op, traceparent: '' });
			this.#underWay.push({ id: this.#lastId, submitted });
			bytes += sizeOf(submitted.op);
		}
		return { begin: undefined, operations };
	}

	#receive({ items }: OperateResponse): void {
		for (const { item } of items) if (item !== undefined) this.#tell(item);
	}

	#tell(item: NonNullable<OperateResponse_Item['item']>): void {
		switch (item.$case) {
			case 'reply': {
				const { id, result } = item.value;
				const next = this.#underWay.shift();
				if (next?.id !== id || result === undefined) {
					if (next !== undefined) this.#underWay.unshift(next);
					this.#error ??= new Error(`the server answered operation ${id}, but ${next?.id ?? 'none'} was next`);
					this.cancel();
					return;
				}
				next.submitted.settle(result);
				return;
			}
			case 'event':
				this.#events.event(item.value);
				return;
			case 'opened':
				this.#events.opened(item.value);
				return;
			case 'attached':
				this.#events.attached(item.value);
				return;
			case 'goingAway':
				this.#events.goingAway(item.value.reason);
				return;
			default:
				return;
		}
	}
}

/** About: what data take, where there are any. */
function sizeOf(op: Operation): number {
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
