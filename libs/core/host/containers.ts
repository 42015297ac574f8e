/**
 * Finds the containers and TTL nodes that may go (semantics 33) and doles out their deletion, so that many at once do not crowd out
 * the clients. The deletion itself is decided in prep, against the projected tree: a candidate that got a child since stays.
 */
import type { ChainOptions } from '../chain/options.ts';
import type { DataTree } from '../tree/data-tree.ts';
import { ttlOf } from '../tree/owners.ts';

const msPerMinute = 60_000;

export class Containers {
	readonly #tree: DataTree;
	readonly #options: ChainOptions;
	#candidates: string[] = [];
	#nextCheckMs: number;
	#nextDeleteMs = 0;

	constructor(tree: DataTree, options: ChainOptions, nowMs: number) {
		this.#tree = tree;
		this.#options = options;
		this.#nextCheckMs = nowMs + options.containerCheckIntervalMs;
	}

	/** Paths to delete now. */
	due(nowMs: number, timeMs: number): string[] {
		if (this.#candidates.length === 0) {
			if (nowMs < this.#nextCheckMs) return [];
			this.#nextCheckMs = nowMs + this.#options.containerCheckIntervalMs;
			this.#candidates = this.#find(timeMs).reverse();
			this.#nextDeleteMs = nowMs;
		}
		const due: string[] = [];
		for (; this.#candidates.length > 0 && this.#nextDeleteMs <= nowMs; ) {
			due.push(this.#candidates.pop()!);
			this.#nextDeleteMs += msPerMinute / this.#options.containerMaxPerMinute;
		}
		return due;
	}

	#find(timeMs: number): string[] {
		const neverUsedMs = this.#options.containerMaxNeverUsedIntervalMs;
		const found: string[] = [];
		for (const path of this.#tree.containers()) {
			const node = this.#tree.node(path);
			if (node === undefined || node.childCount > 0) continue;
			const isOld = neverUsedMs !== 0 && timeMs - node.stat.mtime > neverUsedMs;
			if (node.stat.cversion > 0 || isOld) found.push(path);
		}
		for (const path of this.#tree.ttlNodes()) {
			const node = this.#tree.node(path);
			if (node === undefined || node.childCount > 0) continue;
			if (timeMs - node.stat.mtime > ttlOf(node.stat.ephemeralOwner)) found.push(path);
		}
		return found.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
	}
}
