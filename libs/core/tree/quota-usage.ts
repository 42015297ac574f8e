/** Keeps the usage of each quota up to date as nodes come, change and go (semantics 83; quota.ts says what lies where). */
import { quotaPath } from '../model/path.ts';
import { childCountField, dataLengthField } from './node-layout.ts';
import { type NodeStore, none } from './node-store.ts';
import { formatUsage, limitsName, parseQuota, QuotaPaths, statsName, statsPath } from './quota.ts';

const below = `${quotaPath}/`;
const limitsEnd = `/${limitsName}`;
const statsEnd = `/${statsName}`;

export class QuotaUsage {
	readonly #store: NodeStore;
	readonly #paths = new QuotaPaths();
	/** Gives a stats node its new content, and changes nothing else of it. */
	readonly #write: (node: number, path: string, data: Uint8Array) => void;

	constructor(store: NodeStore, write: (node: number, path: string, data: Uint8Array) => void) {
		this.#store = store;
		this.#write = write;
	}

	prefixOf(path: string): string | null {
		return this.#paths.prefixOf(path);
	}

	created(path: string, bytes: number): void {
		if (path.startsWith(below)) {
			if (path.endsWith(limitsEnd)) this.#paths.add(subjectOf(path));
			else if (path.endsWith(statsEnd)) this.#recount(subjectOf(path));
		}
		this.#add(path, bytes, 1);
	}

	deleted(path: string, bytes: number): void {
		if (path.startsWith(below) && path.endsWith(limitsEnd)) this.#paths.delete(subjectOf(path));
		this.#add(path, -bytes, -1);
	}

	dataChanged(path: string, bytesDiff: number): void {
		this.#add(path, bytesDiff, 0);
	}

	/** After loading: finds the quotas and counts each anew. */
	setUp(): void {
		const store = this.#store;
		const top = store.find(quotaPath);
		for (let node = top; node !== none; node = store.nextInSubtree(node, top)) {
			const path = store.path(node);
			if (!path.endsWith(limitsEnd) || store.pages.word(node, childCountField) > 0) continue;
			this.#recount(subjectOf(path));
			this.#paths.add(subjectOf(path));
		}
	}

	#add(path: string, bytes: number, count: number): void {
		const subject = this.#paths.prefixOf(path);
		if (subject === null) return;
		const stats = this.#store.find(statsPath(subject));
		if (stats === none) return;
		const usage = parseQuota(this.#store.dataView(stats));
		this.#write(stats, statsPath(subject), formatUsage(usage.count + count, usage.bytes + bytes));
	}

	/** Walks the subtree: done once, when its stats node is created or loaded. */
	#recount(subject: string): void {
		const store = this.#store;
		const stats = store.find(statsPath(subject));
		if (stats === none) return;
		let count = 0;
		let bytes = 0;
		const top = store.find(subject);
		for (let node = top; node !== none; node = store.nextInSubtree(node, top)) {
			count += 1;
			bytes += store.pages.word(node, dataLengthField);
		}
		this.#write(stats, statsPath(subject), formatUsage(count, bytes));
	}
}

/** `/a/b` of `/zookeeper/quota/a/b/zookeeper_limits`. */
function subjectOf(path: string): string {
	return path.slice(quotaPath.length, path.lastIndexOf('/'));
}
