/** Reads what a cache is to have: many nodes with one request, and several requests under way. */
import { NoAuthError, NoNodeError } from '../errors.ts';
import type { Read, ReadResult } from '../operations.ts';
import type { CachedTree } from './cached-tree.ts';
import { childOf } from './paths.ts';

/** Several reads of one state. */
export type MultiRead = (
	reads: readonly Read[],
) => Promise<{ readonly results: readonly ReadResult[]; readonly zxid: bigint }>;

/** Of one request. Data may be a megabyte each, and the answer must be small enough to be taken. */
const mostNodes = 48;
/** In one answer, about. */
const mostNames = 100_000;
const mostUnderWay = 12;

interface Settle {
	resolve(zxid: bigint): void;
	reject(error: unknown): void;
}

/** Is used once. */
export class NodeReader {
	readonly #tree: CachedTree;
	readonly #multiRead: MultiRead;
	readonly #isDeep: boolean;
	/** Paths whose nodes are to be read. */
	readonly #nodes: string[] = [];
	/** Paths whose children are to be listed, and how many these were. */
	readonly #lists: { readonly path: string; readonly count: number }[] = [];
	readonly #done: Settle;
	readonly #result: Promise<bigint>;
	#underWay = 0;
	#newest = 0n;
	#isOver = false;

	/** @param isDeep what is below the nodes that are read is read, too */
	constructor(tree: CachedTree, multiRead: MultiRead, isDeep: boolean) {
		this.#tree = tree;
		this.#multiRead = multiRead;
		this.#isDeep = isDeep;
		let done!: Settle;
		this.#result = new Promise<bigint>((resolve, reject) => {
			done = { resolve, reject };
		});
		this.#done = done;
		tree.beginReading();
	}

	/** @returns the zxid of the newest read */
	nodes(paths: Iterable<string>): Promise<bigint> {
		for (const path of paths) this.#nodes.push(path);
		this.#goOn();
		return this.#result;
	}

	/** The children of the node, without itself. @returns as nodes() */
	children(path: string): Promise<bigint> {
		this.#lists.push({ path, count: 0 });
		this.#goOn();
		return this.#result;
	}

	/** What is answered from now on is for nobody. */
	stop(): void {
		this.#end(() => this.#done.reject(new Error('stopped')));
	}

	#goOn(): void {
		while (this.#underWay < mostUnderWay && !this.#isOver) {
			const reads = this.#next();
			if (reads.length === 0) break;
			this.#underWay += 1;
			this.#multiRead(reads).then(
				({ results, zxid }) => this.#take(reads, results, zxid),
				(error: unknown) => this.#end(() => this.#done.reject(error)),
			);
		}
		if (this.#underWay === 0) this.#end(() => this.#done.resolve(this.#newest));
	}

	/** Lists first: they make work for the others. */
	#next(): Read[] {
		const reads: Read[] = [];
		for (let names = 0; this.#lists.length > 0 && names < mostNames && reads.length < mostNodes; ) {
			const { path, count } = this.#lists.pop()!;
			names += count;
			reads.push({ kind: 'children', path });
		}
		if (reads.length > 0) return reads;
		const from = Math.max(0, this.#nodes.length - mostNodes);
		return this.#nodes.splice(from).map((path) => ({ kind: 'get', path }));
	}

	#take(reads: readonly Read[], results: readonly ReadResult[], zxid: bigint): void {
		if (this.#isOver) return;
		this.#underWay -= 1;
		if (zxid > this.#newest) this.#newest = zxid;
		for (const [index, result] of results.entries()) {
			const { path } = reads[index]!;
			if (result.kind === 'children') {
				for (const name of result.names) this.#nodes.push(childOf(path, name));
			} else if (result.kind === 'get') {
				this.#tree.read(path, result, zxid);
				const count = result.stat.numChildren;
				if (this.#isDeep && count > 0) this.#lists.push({ path, count });
			} else if (isAbsence(result.error)) {
				// Of a list it says nothing: the node itself is read, too.
				if (reads[index]!.kind === 'get') this.#tree.read(path, undefined, zxid);
			} else {
				const { error } = result;
				this.#end(() => this.#done.reject(error));
				return;
			}
		}
		this.#goOn();
	}

	#end(settle: () => void): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#tree.endReading();
		settle();
	}
}

/** What is not there, or may not be read, is not in a cache. */
function isAbsence(error: Error): boolean {
	return error instanceof NoNodeError || error instanceof NoAuthError;
}
