/**
 * The persistent watches of a client, over its streams and sessions: those who watch the same share one of the server's. After a time without a stream
 * the watches are set again, and what happened meanwhile is told from the history in front of what happens now.
 */
import { SessionExpiredError } from './errors.ts';
import { missedEvent, type NodeEvent } from './node-event.ts';
import { NodeWatch } from './node-watch.ts';
import type { RestoredStream, Session } from './session.ts';
import { setWatchesRequests } from './set-watches.ts';
import { type EventSink, SharedWatch, type SharedWatchOwner } from './shared-watch.ts';
import type { TailSource } from './tail.ts';
import { WatchGap } from './watch-gap.ts';
import { type NodeEvent as WatchedEvent, watcherTypes, watchKinds } from './watched-event.ts';

export interface WatchOptions {
	/** What is below the node, too; `childrenChanged` is not told then. */
	readonly recursive?: boolean | undefined;
	/** Events have the node's data and Stat. */
	readonly withData?: boolean | undefined;
	/** Ends the loop, without an error. */
	readonly signal?: AbortSignal | undefined;
}

/** What of the client the watches need. */
export interface WatchedClient {
	readonly session: Session;
	readonly sources: readonly TailSource[];
	/** An event as the callers see it. */
	show(event: WatchedEvent): NodeEvent;
	shownPath(path: string): string;
}

const noZxid = 0n;
/** Paths that the history is asked about by name; with more of them it is asked for everything. */
const mostNamed = 64;

export class NodeWatches implements SharedWatchOwner {
	readonly #client: WatchedClient;
	readonly #ofNodes = new Map<string, SharedWatch>();
	readonly #ofTrees = new Map<string, SharedWatch>();
	#gap: WatchGap | undefined;
	/** Events of the last transaction that was told. */
	#last: WatchedEvent[] = [];

	constructor(client: WatchedClient) {
		this.#client = client;
	}

	/** @param path the server's */
	watch(path: string, { signal, ...options }: WatchOptions): NodeWatch {
		return new NodeWatch(this.#shared(path, options), signal);
	}

	/** As watch(), without a queue: while the client is connected, the sink has an event before any answer that shows the change is looked at. */
	listen(
		path: string,
		options: Omit<WatchOptions, 'signal'>,
		sink: EventSink,
	): { readonly ready: () => Promise<void>; readonly stop: () => void } {
		const shared = this.#shared(path, options);
		shared.join(sink);
		return { ready: () => shared.ready(), stop: () => shared.leave(sink) };
	}

	shownPath(path: string): string {
		return this.#client.shownPath(path);
	}

	#shared(path: string, { recursive = false, withData = false }: Omit<WatchOptions, 'signal'>): SharedWatch {
		const watches = recursive ? this.#ofTrees : this.#ofNodes;
		let shared = watches.get(path);
		if (shared !== undefined && (shared.withData || !withData)) return shared;
		if (shared === undefined) {
			shared = new SharedWatch(path, recursive, this);
			watches.set(path, shared);
		}
		shared.withData = withData;
		this.#set(shared);
		return shared;
	}

	/** What a stream said. Events without a zxid are those of one-shot watches that were set again. */
	tell(event: WatchedEvent): void {
		if (event.zxid === undefined || (this.#ofNodes.size === 0 && this.#ofTrees.size === 0)) return;
		if (this.#gap === undefined) this.#deliver(event);
		else if (!this.#gap.hold(event)) this.#closeGap(this.#gap, undefined);
	}

	/** All that were set, on a new stream or in a new session. @param toldZxid everything up to it has been told, but for a gap that was being filled */
	restore(toldZxid: bigint, stream: RestoredStream): void {
		const before = this.#gap;
		before?.abandon();
		const watches = [...this.#all()].filter(({ isSet }) => isSet);
		if (watches.length === 0) {
			this.#gap = undefined;
			return;
		}
		const gap = new WatchGap(before?.position ?? toldZxid, this.#last);
		this.#gap = gap;
		let [unanswered, throughZxid] = [0, noZxid];
		const answered = ({ zxid }: { readonly zxid: bigint }): void => {
			if (zxid > throughZxid) throughZxid = zxid;
			unanswered -= 1;
			if (unanswered === 0) void this.#fill(gap, throughZxid);
		};
		const restored: [Parameters<RestoredStream['submit']>[0], readonly SharedWatch[]][] = [];
		const plain = watches.filter(({ withData }) => !withData);
		const pathsOf = (isRecursive: boolean) =>
			plain.filter((one) => one.isRecursive === isRecursive).map(({ path }) => path);
		const paths: Partial<Record<string, string[]>> = { persistent: pathsOf(false), persistentRecursive: pathsOf(true) };
		for (const value of setWatchesRequests((kind) => paths[kind] ?? [], toldZxid))
			restored.push([{ $case: 'setWatches', value }, plain]);
		for (const shared of watches.filter(({ withData }) => withData))
			restored.push([{ $case: 'addWatch', value: addWatch(shared) }, [shared]]);
		unanswered = restored.length;
		for (const [op, refused] of restored)
			stream.submit(op, answered, (error) => {
				// It is over though its stream is not yet: they are set in the next one, where this gap goes on.
				if (error instanceof SessionExpiredError) return;
				for (const shared of refused) this.#fail(shared, error);
				answered({ zxid: noZxid });
			});
	}

	/** The client is closed. */
	end(): void {
		this.#gap?.abandon();
		for (const shared of [...this.#all()]) shared.end();
	}

	*#all(): Generator<SharedWatch> {
		yield* this.#ofNodes.values();
		yield* this.#ofTrees.values();
	}

	/** Of the server's watches, too. */
	abandoned(shared: SharedWatch): void {
		this.#forget(shared);
		const type = watcherTypes[shared.isRecursive ? 'persistentRecursive' : 'persistent'];
		const { session } = this.#client;
		const nothing = (): void => {};
		if (!session.isOver)
			session.submit(
				{ $case: 'removeWatches', value: { path: shared.path, type, checkOnly: false } },
				nothing,
				nothing,
			);
	}

	#forget(shared: SharedWatch): void {
		const watches = shared.isRecursive ? this.#ofTrees : this.#ofNodes;
		if (watches.get(shared.path) === shared) watches.delete(shared.path);
	}

	#set(shared: SharedWatch): void {
		const { session } = this.#client;
		shared.asked();
		const answered = ({ zxid }: { readonly zxid: bigint }): void => {
			// What was before it is nothing that it has missed.
			if (!shared.isSet) shared.sinceZxid = this.#gap === undefined ? noZxid : zxid;
			shared.isSet = true;
			shared.answered();
		};
		session.submit({ $case: 'addWatch', value: addWatch(shared) }, answered, (error) => {
			if (!(error instanceof SessionExpiredError)) this.#fail(shared, error);
			// What waits for an answer is told of a session's end before there is the next one.
			else queueMicrotask(() => this.#setAgain(shared, session, error));
		});
	}

	/** A session can be over before its stream is: what is asked for again then comes to the next one. */
	#setAgain(shared: SharedWatch, before: Session, error: Error): void {
		// There is no next one: the client is closed, or no server opens another session.
		if (before === this.#client.session && before.isOver) this.#fail(shared, error);
		else if (!shared.isSet && !shared.isAbandoned) {
			this.#set(shared);
			shared.unanswered();
		} else shared.answered();
	}

	#fail(shared: SharedWatch, error: Error): void {
		this.#forget(shared);
		shared.fail(error);
	}

	async #fill(gap: WatchGap, throughZxid: bigint): Promise<void> {
		if (this.#gap !== gap) return;
		const watches = [...this.#all()];
		const view = {
			paths: watches.length > mostNamed ? undefined : watches.map(({ path }) => path),
			withData: watches.some(({ withData }) => withData),
		};
		const isFilled =
			throughZxid <= gap.position ||
			(await gap.fill(this.#client.sources, throughZxid, view, (event) => this.#deliver(event)));
		if (this.#gap === gap) this.#closeGap(gap, isFilled ? throughZxid : undefined);
	}

	/** @param throughZxid everything up to it has been told; undefined: nobody knows what was missed */
	#closeGap(gap: WatchGap, throughZxid: bigint | undefined): void {
		this.#gap = undefined;
		const { held } = gap;
		if (throughZxid === undefined) this.#missed();
		const fromZxid = throughZxid ?? gap.position;
		for (const event of held) if (event.zxid! > fromZxid) this.#deliver(event);
		gap.abandon();
		for (const shared of this.#all()) {
			shared.sinceZxid = noZxid;
			shared.caughtUp();
		}
	}

	#missed(): void {
		for (const shared of [...this.#all()]) if (shared.isSet) shared.push(missedEvent(shared.shownPath));
	}

	#deliver(event: WatchedEvent): void {
		if (this.#last[0]?.zxid !== event.zxid) this.#last = [];
		this.#last.push(event);
		const ofNode = this.#ofNodes.get(event.path);
		if (ofNode !== undefined) this.#push(ofNode, event);
		if (this.#ofTrees.size === 0 || event.type === 'NodeChildrenChanged') return;
		for (let at = event.path; ; at = at.slice(0, Math.max(at.lastIndexOf('/'), 1))) {
			const ofTree = this.#ofTrees.get(at);
			if (ofTree !== undefined) this.#push(ofTree, event);
			if (at === '/') return;
		}
	}

	#push(shared: SharedWatch, event: WatchedEvent): void {
		if (shared.isSet && event.zxid! > shared.sinceZxid) shared.push(this.#client.show(event));
	}
}

function addWatch({ path, isRecursive, withData }: SharedWatch) {
	return { path, kind: watchKinds[isRecursive ? 'persistentRecursive' : 'persistent'], withData };
}
