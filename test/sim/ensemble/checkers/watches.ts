/** The watches of one client: it hears of a change before it is told anything that is as new as that (semantics 46, 49, 50, 54). */
import type { Op, Reply, SetWatchesOp, WatchEvent } from '#core/model/op';
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { Change, NaiveTree } from './naive-tree.ts';

type Kind = 'data' | 'exist' | 'child';

interface Watch {
	readonly kind: Kind;
	readonly path: string;
	/** What the client knows of it is as old as this. */
	since: Zxid;
}

const changes: Readonly<Record<Kind, Change>> = { data: 'data', exist: 'data', child: 'children' };

export class Watches {
	readonly #tree: NaiveTree;
	readonly #find: (finding: string) => void;
	readonly #watches = new Map<string, Watch>();
	heard = 0;

	constructor(tree: NaiveTree, find: (finding: string) => void) {
		this.#tree = tree;
		this.#find = find;
	}

	get isEmpty(): boolean {
		return this.#watches.size === 0;
	}

	/** The session is over. */
	clear(): void {
		this.#watches.clear();
	}

	event({ type, path, zxid }: WatchEvent): void {
		const kinds: readonly Kind[] =
			type === 'nodeChildrenChanged'
				? ['child']
				: type === 'nodeDeleted'
					? ['data', 'exist', 'child']
					: ['data', 'exist'];
		const had = kinds.filter((kind) => this.#watches.delete(nameOf(kind, path)));
		// setWatches says of a node that is gone so for each of its watches.
		if (had.length === 0 && zxid !== -1) this.#find(`an event came, ${type} of ${path}, that no watch was for`);
		this.heard += 1;
	}

	/** An answer with this zxid. Whatever it says, the events of what happened up to there came before. */
	answered(op: Op, { error, zxid }: Reply): void {
		if (op.kind === 'setWatches') this.#setAgain(op, zxid);
		for (const { kind, path, since } of this.#watches.values()) {
			if (since < zxid && this.#tree.changed(path, changes[kind], since, zxid))
				this.#find(`an answer with ${formatZxid(zxid)} came before the event of the ${kind} watch on ${path}`);
		}
		if (!('watch' in op) || !op.watch) return;
		if (op.kind === 'exists') this.#add(error === 0 ? 'data' : 'exist', op.path, zxid);
		else if (error === 0) this.#add(op.kind === 'getData' ? 'data' : 'child', op.path, zxid);
	}

	/** On a new connection. */
	setWatches(relativeZxid: Zxid): SetWatchesOp {
		const of = (kind: Kind) => [...this.#watches.values()].filter((each) => each.kind === kind).map(({ path }) => path);
		const none = { persistent: [], persistentRecursive: [] };
		return { kind: 'setWatches', relativeZxid, data: of('data'), exist: of('exist'), child: of('child'), ...none };
	}

	/** Those that are still there saw no difference; what was between is not told (semantics 55). */
	#setAgain({ relativeZxid }: SetWatchesOp, zxid: Zxid): void {
		for (const watch of this.#watches.values()) {
			const { kind, path } = watch;
			const node = this.#tree.at(path, zxid);
			const isDue =
				kind === 'exist' ? node !== null : node === null || (kind === 'data' ? node.mzxid : node.pzxid) > relativeZxid;
			if (isDue) this.#find(`the ${kind} watch on ${path} was set again at ${formatZxid(zxid)} without an event`);
			watch.since = zxid;
		}
	}

	#add(kind: Kind, path: string, since: Zxid): void {
		const name = nameOf(kind, path);
		// One that is there already stays (semantics 51).
		if (!this.#watches.has(name)) this.#watches.set(name, { kind, path, since });
	}
}

function nameOf(kind: Kind, path: string): string {
	return `${kind} ${path}`;
}
