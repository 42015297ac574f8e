/** One of the server's watches, and those who listen to it. There may be 100,000 in a process. */
import type { NodeEvent } from './node-event.ts';

/** Who is told of events, as they come in. */
export interface EventSink {
	push(event: NodeEvent): void;
	/** The client is closed. */
	end(): void;
	/** The server does not set the watch. Without it end() is called. */
	fail?(error: Error): void;
	/** After a time without a stream: what happened meanwhile has been told, or was missed. */
	caughtUp?(): void;
}

export interface SharedWatchOwner {
	shownPath(path: string): string;
	/** Nobody listens any more. */
	abandoned(watch: SharedWatch): void;
}

const noZxid = 0n;

export class SharedWatch {
	/** The server's. */
	readonly path: string;
	readonly isRecursive: boolean;
	withData = false;
	/** The server has it, or had it on the stream before. */
	isSet = false;
	/** What is told of a gap is behind this one. */
	sinceZxid = noZxid;
	readonly #owner: SharedWatchOwner;
	#sink: EventSink | undefined;
	/** Beside the first, mostly nobody. */
	#others: EventSink[] | undefined;
	/** Answers of the server that have not come. */
	#pending = 0;
	#waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] | undefined;

	constructor(path: string, isRecursive: boolean, owner: SharedWatchOwner) {
		this.path = path;
		this.isRecursive = isRecursive;
		this.#owner = owner;
	}

	get shownPath(): string {
		return this.#owner.shownPath(this.path);
	}

	get isAbandoned(): boolean {
		return this.#sink === undefined;
	}

	join(sink: EventSink): void {
		if (this.#sink === undefined) this.#sink = sink;
		else (this.#others ??= []).push(sink);
	}

	leave(sink: EventSink): void {
		if (this.#sink === sink) {
			this.#sink = this.#others?.shift();
			if (this.#sink === undefined) this.#owner.abandoned(this);
		} else if (this.#others?.includes(sink)) {
			this.#others = this.#others.filter((one) => one !== sink);
		}
	}

	push(event: NodeEvent): void {
		const others = this.#others;
		this.#sink?.push(event);
		if (others !== undefined) for (const sink of [...others]) sink.push(event);
	}

	caughtUp(): void {
		this.#sink?.caughtUp?.();
		for (const sink of this.#others ?? []) sink.caughtUp?.();
	}

	/** The client is closed. */
	end(): void {
		for (const sink of this.#takeSinks()) sink.end();
	}

	fail(error: Error): void {
		const waiting = this.#waiting;
		this.#waiting = undefined;
		this.#pending = 0;
		for (const { reject } of waiting ?? []) reject(error);
		for (const sink of this.#takeSinks()) {
			if (sink.fail === undefined) sink.end();
			else sink.fail(error);
		}
	}

	/** Resolves when the server has set it. */
	ready(): Promise<void> {
		if (this.#pending === 0) return Promise.resolve();
		return new Promise((resolve, reject) => {
			this.#waiting ??= [];
			this.#waiting.push({ resolve, reject });
		});
	}

	asked(): void {
		this.#pending += 1;
	}

	answered(): void {
		if (this.#pending > 0) this.#pending -= 1;
		if (this.#pending > 0) return;
		for (const { resolve } of this.#waiting ?? []) resolve();
		this.#waiting = undefined;
	}

	/** It is asked for again, elsewhere. */
	unanswered(): void {
		if (this.#pending > 0) this.#pending -= 1;
	}

	#takeSinks(): EventSink[] {
		const sinks = this.#sink === undefined ? [] : [this.#sink, ...(this.#others ?? [])];
		this.#sink = undefined;
		this.#others = undefined;
		return sinks;
	}
}
