/** The persistent watches of a client, over its sessions: those who watch the same share one of the server's. */
import { EventQueue } from './event-queue.ts';
import type { NodeEvent } from './node-event.ts';
import { NodeWatch } from './node-watch.ts';
import type { Session } from './session.ts';
import type { NodeEvent as WatchedEvent, WatchMode } from './watched-event.ts';

export interface WatchOptions {
	/** What is below the node, too; `childrenChanged` is not told then. */
	readonly recursive?: boolean | undefined;
	/** Events have the node's data and Stat. */
	readonly withData?: boolean | undefined;
	/** Ends the loop, without an error. */
	readonly signal?: AbortSignal | undefined;
}

/** Who is told of events, as they come in. */
export interface EventSink {
	push(event: NodeEvent): void;
	/** The client is closed. */
	end(): void;
}

type PersistentMode = Extract<WatchMode, 'persistent' | 'persistentRecursive'>;

interface SharedWatch {
	readonly path: string;
	readonly mode: PersistentMode;
	withData: boolean;
	readonly sinks: Set<EventSink>;
	/** The server's answer, in the session of now. */
	set: Promise<unknown>;
}

export class NodeWatches {
	readonly #shared: Readonly<Record<PersistentMode, Map<string, SharedWatch>>> = {
		persistent: new Map(),
		persistentRecursive: new Map(),
	};
	readonly #session: () => Session;
	readonly #show: (event: WatchedEvent) => NodeEvent;
	readonly #shownPath: (path: string) => string;

	/** @param show an event as the callers see it */
	constructor(session: () => Session, show: (event: WatchedEvent) => NodeEvent, shownPath: (path: string) => string) {
		this.#session = session;
		this.#show = show;
		this.#shownPath = shownPath;
	}

	/** @param path the server's */
	watch(path: string, { signal, ...options }: WatchOptions): NodeWatch {
		const end = () => queue.end();
		const queue = new EventQueue<NodeEvent>(() => {
			signal?.removeEventListener('abort', end);
			listening.stop();
		});
		const listening = this.listen(path, options, queue);
		signal?.addEventListener('abort', end);
		if (signal?.aborted) end();
		return new NodeWatch(queue, listening.ready);
	}

	/** As watch(), without a queue: the sink has an event before any answer that shows the change is looked at. */
	listen(
		path: string,
		{ recursive = false, withData = false }: Omit<WatchOptions, 'signal'>,
		sink: EventSink,
	): { readonly ready: () => Promise<void>; readonly stop: () => void } {
		const mode = recursive ? 'persistentRecursive' : 'persistent';
		let shared = this.#shared[mode].get(path);
		if (shared === undefined || (withData && !shared.withData)) {
			if (shared === undefined) {
				shared = { path, mode, withData, sinks: new Set(), set: Promise.resolve() };
				this.#shared[mode].set(path, shared);
			}
			shared.withData = withData;
			this.#set(shared, this.#session());
		}
		const own = shared;
		own.sinks.add(sink);
		return {
			ready: async () => {
				await own.set;
			},
			stop: () => this.#leave(own, sink),
		};
	}

	tell(event: WatchedEvent): void {
		if (this.#shared.persistent.size > 0) this.#push(this.#shared.persistent.get(event.path), event);
		if (this.#shared.persistentRecursive.size === 0 || event.type === 'NodeChildrenChanged') return;
		for (let at = event.path; ; at = at.slice(0, Math.max(at.lastIndexOf('/'), 1))) {
			this.#push(this.#shared.persistentRecursive.get(at), event);
			if (at === '/') return;
		}
	}

	/** A new session has none of them. */
	setAgain(session: Session): void {
		for (const shared of this.#all()) this.#set(shared, session);
	}

	missed(): void {
		for (const { path, sinks } of this.#all()) {
			const event: NodeEvent = {
				type: 'missed',
				path: this.#shownPath(path),
				zxid: undefined,
				stat: undefined,
				data: undefined,
			};
			for (const sink of sinks) sink.push(event);
		}
	}

	end(): void {
		for (const { sinks } of [...this.#all()]) for (const sink of [...sinks]) sink.end();
	}

	*#all(): Generator<SharedWatch> {
		yield* this.#shared.persistent.values();
		yield* this.#shared.persistentRecursive.values();
	}

	#set(shared: SharedWatch, session: Session): void {
		shared.set = session.addWatch(shared.path, shared.mode, shared.withData);
		shared.set.catch(() => {});
	}

	#push(shared: SharedWatch | undefined, event: WatchedEvent): void {
		if (shared === undefined) return;
		const shown = this.#show(event);
		for (const sink of shared.sinks) sink.push(shown);
	}

	#leave(shared: SharedWatch, sink: EventSink): void {
		if (!shared.sinks.delete(sink) || shared.sinks.size > 0) return;
		this.#shared[shared.mode].delete(shared.path);
		const session = this.#session();
		if (!session.isOver) session.removeWatches(shared.path, shared.mode).catch(() => {});
	}
}
