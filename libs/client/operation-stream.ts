/**
 * One stream of a session: operations go out in batches, what comes in is told in its order. A new one is made when it is lost; what had
 * been sent and not answered is handed back then.
 */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import {
	type AttachSessionResponse,
	type OpenSessionResponse,
	OperateRequest,
	type OperateResponse_Item,
	type Reply,
} from '#proto/chronokeeper/v1/session';
import type { WatchEvent } from '#proto/chronokeeper/v1/watch';
import { type ItemListener, OperateDecoder } from './operate-decoder.ts';
import { OperateEncoder } from './operate-encoder.ts';
import { Submission } from './submission.ts';

/** Messages as their bytes. */
export type OperateCall = ClientDuplexStream<Buffer, Buffer>;

export type ReplyResult = NonNullable<Reply['result']>;

/** The numbers that a session has given to its operations, over all its streams. */
export interface OperationNumbers {
	last: number;
	/** The newest zxid that it has seen. */
	seenZxid: bigint;
}

export interface StreamEvents {
	opened(session: OpenSessionResponse): void;
	attached(session: AttachSessionResponse): void;
	/** A message came: told before anything of it is. */
	arrived(): void;
	/** Called before anything that comes behind the answer is looked at. */
	answered(submission: Submission, result: ReplyResult): void;
	event(event: WatchEvent): void;
	/** It takes no more operations; what is under way is still answered. */
	goingAway(reason: string): void;
	/** The last that is told; without an error when the server ended it in order. What was not sent has surely not been done. */
	ended(unanswered: readonly Submission[], unsent: readonly Submission[], error: Error | undefined): void;
}

const mostOperations = 256;
const mostBytes = 512 * 1024;
const farewellMs = 1000;
/** Those behind it begin anew. */
const mostOperationIds = 2 ** 30 - 1;

/** One of each does for all streams: a message is made, and read, in one go. */
const encoder = /* @__PURE__ */ new OperateEncoder();
const decoder = /* @__PURE__ */ new OperateDecoder();

export class OperationStream implements ItemListener {
	readonly #call: OperateCall;
	readonly #events: StreamEvents;
	readonly #numbers: OperationNumbers;
	/** Not written yet. */
	#queue: Submission[] = [];
	/** Written, in the order in which the answers come. */
	#underWay: Submission[] = [];
	#isScheduled = false;
	#isFull = false;
	/** Nothing is told any more, but for the end. */
	#isGivenUp = false;
	/** Nothing is told any more. */
	#isLeft = false;
	#error: Error | undefined;

	constructor(
		call: OperateCall,
		begin: NonNullable<OperateRequest['begin']>,
		numbers: OperationNumbers,
		events: StreamEvents,
	) {
		this.#call = call;
		this.#numbers = numbers;
		this.#events = events;
		call.on('data', (bytes: Buffer) => this.#receive(bytes));
		call.on('drain', () => {
			this.#isFull = false;
			this.#flush();
		});
		// What came before the error is still read: the end is told behind it.
		call.on('error', (error: Error) => {
			this.#error ??= error;
		});
		call.on('end', () => {
			if (this.#isLeft) return;
			events.ended(this.#underWay.splice(0), this.#queue.splice(0), this.#error);
		});
		call.write(Buffer.from(OperateRequest.encode({ begin, operations: [] }).finish()));
	}

	/** What is submitted in one turn goes out together. */
	submit(submission: Submission): void {
		this.#queue.push(submission);
		if (this.#isScheduled) return;
		this.#isScheduled = true;
		queueMicrotask(() => {
			this.#isScheduled = false;
			this.#flush();
		});
	}

	/** What is under way is still answered. @returns what was not sent, and will not be */
	end(): Submission[] {
		this.#call.end();
		return this.#queue.splice(0);
	}

	cancel(): void {
		this.#call.cancel();
	}

	/** The server does not know what became of this one: it is the first that has no answer, whatever comes behind it. */
	giveUp(submission: Submission): void {
		this.#underWay.unshift(submission);
		this.#isGivenUp = true;
		this.#call.cancel();
	}

	/** Tells nothing any more. @param closes also ends the session, if the server still listens @returns what was not answered, or not sent */
	leave(closes: boolean): Submission[] {
		const left = [...this.#underWay.splice(0), ...this.#queue.splice(0)];
		this.#isLeft = true;
		if (!closes) {
			this.#call.cancel();
			return left;
		}
		this.#queue.push(Submission.ofStream({ $case: 'closeSession', value: {} }));
		this.#call.write(this.#batch());
		this.#call.end();
		setTimeout(() => this.#call.cancel(), farewellMs).unref();
		return left;
	}

	#flush(): void {
		while (this.#queue.length > 0 && !this.#isFull) this.#isFull = !this.#call.write(this.#batch());
	}

	#batch(): Buffer {
		const queue = this.#queue;
		const most = Math.min(queue.length, mostOperations);
		encoder.begin();
		let count = 0;
		while (count < most && encoder.length < mostBytes) {
			const submission = queue[count++]!;
			if (submission.isTakenBack) continue;
			const sentAtZxid = submission.wasSent ? submission.sentAtZxid : undefined;
			if (!submission.wasSent) this.#number(submission);
			encoder.add(submission.id, submission.op, submission.traceparent, sentAtZxid);
			this.#underWay.push(submission);
		}
		this.#queue = count === queue.length ? [] : queue.slice(count);
		return encoder.finish();
	}

	/** By this number, and behind this zxid, its transaction is found when it has to be sent again. */
	#number(submission: Submission): void {
		const numbers = this.#numbers;
		numbers.last = (numbers.last % mostOperationIds) + 1;
		submission.id = numbers.last;
		submission.sentAtZxid = numbers.seenZxid;
	}

	/** Nothing more is told. */
	get isDone(): boolean {
		return this.#isLeft || this.#isGivenUp;
	}

	#receive(bytes: Buffer): void {
		if (this.isDone) return;
		this.#events.arrived();
		try {
			decoder.decode(bytes, this);
		} catch (error) {
			this.#error ??= new Error('the server sent what cannot be read', { cause: error });
			this.cancel();
		}
	}

	reply(id: number, result: ReplyResult | undefined): void {
		const next = this.#underWay.shift();
		if (next?.id === id && result !== undefined) {
			this.#events.answered(next, result);
			return;
		}
		if (next !== undefined) this.#underWay.unshift(next);
		this.#error ??= new Error(`the server answered operation ${id}, but ${next?.id ?? 'none'} was next`);
		this.cancel();
	}

	item(item: Exclude<NonNullable<OperateResponse_Item['item']>, { readonly $case: 'reply' }>): void {
		switch (item.$case) {
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
