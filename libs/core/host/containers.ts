/**
 * Finds the containers and TTL nodes that may go (semantics 33) and doles out their deletion, so that many at once do not crowd out
 * the clients. The deletion itself is decided in prep, against the projected tree: a candidate that got a child since stays.
 */
import type { ChainOptions } from '../chain/options.ts';
import type { DataTree } from '../tree/data-tree.ts';
import { containerOwner, ownerKind, ttlOf } from '../tree/owners.ts';

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
			const path = this.#candidates.pop()!;
			// It may have been used again while it waited for its turn.
			if (!this.#isContainerDue(path, timeMs) && !this.#isTtlDue(path, timeMs)) continue;
			due.push(path);
			this.#nextDeleteMs += msPerMinute / this.#options.containerMaxPerMinute;
		}
		return due;
	}

	#find(timeMs: number): string[] {
		const found: string[] = [];
		for (const path of this.#tree.containers()) if (this.#isContainerDue(path, timeMs)) found.push(path);
		for (const path of this.#tree.ttlNodes()) if (this.#isTtlDue(path, timeMs)) found.push(path);
		return found.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
	}

	#isContainerDue(path: string, timeMs: number): boolean {
		const node = this.#tree.node(path);
		if (node === undefined || node.childCount > 0 || node.stat.ephemeralOwner !== containerOwner) return false;
		const neverUsedMs = this.#options.containerMaxNeverUsedIntervalMs;
		return node.stat.cversion > 0 || (neverUsedMs !== 0 && timeMs - node.stat.mtime > neverUsedMs);
	}

	#isTtlDue(path: string, timeMs: number): boolean {
		const node = this.#tree.node(path);
		if (node === undefined || node.childCount > 0 || ownerKind(node.stat.ephemeralOwner) !== 'ttl') return false;
		return timeMs - node.stat.mtime > ttlOf(node.stat.ephemeralOwner);
	}
}
