/**
 * The nodes of a tree and nothing about ZooKeeper: records with names, data and children, found by path. All of it lies outside the
 * garbage-collected heap. A node is a number, valid until it is removed; 0 is none, 1 the root.
 */
import { assert } from '../model/assert.ts';
import { BlobStore } from './blob-store.ts';
import { Freezes } from './freezes.ts';
import {
	childCountField,
	dataField,
	dataLengthField,
	firstChildField,
	nameField,
	nameInfoField,
	nameLengthMask,
	nextSiblingField,
	parentField,
	previousSiblingField,
	wideNameFlag,
} from './node-layout.ts';
import { NodePages } from './node-pages.ts';
import { isInline, readName } from './node-reader.ts';
import { PathIndex } from './path-index.ts';

export const none = 0;
export const root = 1;

const slash = 0x2f;

export class NodeStore {
	readonly freezes = new Freezes();
	readonly pages = new NodePages(this.freezes);
	readonly blobs = new BlobStore(this.freezes);
	readonly #index = new PathIndex();
	readonly #seed: number;
	#size = 1;

	/** The seed keeps clients from choosing paths of equal hash; it changes nothing that can be seen. */
	constructor(hashSeed: number) {
		this.#seed = hashSeed | 0;
		assert(this.pages.allocate() === root, 'the root is the first record');
	}

	get size(): number {
		return this.#size;
	}

	/** `/` and the empty string are the root; a path that no node can have finds none. */
	find(path: string): number {
		return this.#find(path, path.length);
	}

	/** The parent of a path; none when it does not exist, or when the path has no slash. */
	findParent(path: string): number {
		const last = path.lastIndexOf('/');
		return last === -1 ? none : this.#find(path, last);
	}

	/** Adds a child behind its siblings. The path may not exist yet; `parent` is findParent(path). */
	insert(path: string, parent: number): number {
		const node = this.pages.allocate();
		this.#setName(node, path, path.lastIndexOf('/') + 1);
		this.#link(parent, node);
		this.#index.add(this.#hash(path, path.length), node);
		this.#size += 1;
		return node;
	}

	/** Removes a node without children, and its name and data. */
	remove(node: number, path: string): void {
		const pages = this.pages;
		assert(node !== root && pages.word(node, firstChildField) === none, 'a node that is removed has no children');
		assert(this.#index.remove(this.#hash(path, path.length), node), 'the index has every node');
		this.#unlink(node);
		const info = pages.word(node, nameInfoField);
		if (!isInline(info & nameLengthMask, (info & wideNameFlag) !== 0)) this.blobs.free(pages.word(node, nameField));
		this.blobs.free(pages.word(node, dataField));
		pages.free(node);
		this.#size -= 1;
	}

	/** Replaces the data; `ref` is a blob that the node owns from now on. */
	setData(node: number, ref: number, length: number): void {
		this.blobs.free(this.pages.word(node, dataField));
		this.pages.setWord(node, dataField, ref);
		this.pages.setWord(node, dataLengthField, length);
	}

	/** Shared memory, valid until the data changes. */
	dataView(node: number): Uint8Array | null {
		return this.blobs.view(this.pages.word(node, dataField), this.pages.word(node, dataLengthField));
	}

	/** In memory of its own. */
	data(node: number): Uint8Array | null {
		return this.blobs.copy(this.pages.word(node, dataField), this.pages.word(node, dataLengthField));
	}

	name(node: number): string {
		return readName(this.pages, this.blobs, node);
	}

	path(node: number): string {
		if (node === root) return '/';
		let path = '';
		for (let at = node; at !== root; at = this.pages.word(at, parentField)) path = `/${this.name(at)}${path}`;
		return path;
	}

	/** The next node of the subtree in pre-order, none at its end. */
	nextInSubtree(node: number, top: number): number {
		const pages = this.pages;
		const child = pages.word(node, firstChildField);
		if (child !== none) return child;
		for (let at = node; at !== top; at = pages.word(at, parentField)) {
			const sibling = pages.word(at, nextSiblingField);
			if (sibling !== none) return sibling;
		}
		return none;
	}

	#find(path: string, end: number): number {
		if (end === 0 || (end === 1 && path.charCodeAt(0) === slash)) return root;
		let node = this.#index.first(this.#hash(path, end));
		while (node !== none && !this.#hasPath(node, path, end)) node = this.#index.next();
		return node;
	}

	#hash(path: string, end: number): number {
		let hash = this.#seed;
		for (let i = 0; i < end; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 0x0100_0193);
		hash ^= hash >>> 16;
		hash = Math.imul(hash, 0x85eb_ca6b);
		hash ^= hash >>> 13;
		hash = Math.imul(hash, 0xc2b2_ae35);
		return (hash ^ (hash >>> 16)) >>> 0;
	}

	/** Compares from the last segment to the root. */
	#hasPath(node: number, path: string, end: number): boolean {
		const pages = this.pages;
		let at = end;
		for (let here = node; here !== root; here = pages.word(here, parentField)) {
			const info = pages.word(here, nameInfoField);
			const length = info & nameLengthMask;
			const start = at - length;
			if (start < 1 || path.charCodeAt(start - 1) !== slash || !this.#hasName(here, info, path, start, length)) {
				return false;
			}
			at = start - 1;
		}
		return at === 0;
	}

	#hasName(node: number, info: number, path: string, start: number, length: number): boolean {
		const wide = info < 0;
		let bytes: Uint8Array;
		let at: number;
		if (isInline(length, wide)) {
			bytes = this.pages.bytesOf(node);
			at = this.pages.byteOffset(node) + nameField * 4;
		} else {
			const ref = this.pages.word(node, nameField);
			bytes = this.blobs.slabOf(ref);
			at = this.blobs.offsetOf(ref);
		}
		if (wide) {
			for (let i = 0; i < length; i++) {
				const unit = bytes[at + i * 2]! | (bytes[at + i * 2 + 1]! << 8);
				if (path.charCodeAt(start + i) !== unit) return false;
			}
			return true;
		}
		for (let i = 0; i < length; i++) if (path.charCodeAt(start + i) !== bytes[at + i]!) return false;
		return true;
	}

	#setName(node: number, path: string, start: number): void {
		const length = path.length - start;
		let wide = false;
		for (let i = start; i < path.length; i++) if (path.charCodeAt(i) > 0xff) wide = true;
		const pages = this.pages;
		pages.setWord(node, nameInfoField, wide ? length | wideNameFlag : length);
		let bytes: Uint8Array;
		let at: number;
		if (isInline(length, wide)) {
			bytes = pages.bytesOf(node);
			at = pages.byteOffset(node) + nameField * 4;
		} else {
			const ref = this.blobs.allocate(wide ? length * 2 : length);
			pages.setWord(node, nameField, ref);
			bytes = this.blobs.slabOf(ref);
			at = this.blobs.offsetOf(ref);
		}
		for (let i = start; i < path.length; i++) {
			const unit = path.charCodeAt(i);
			bytes[at++] = unit & 0xff;
			if (wide) bytes[at++] = unit >>> 8;
		}
	}

	#link(parent: number, node: number): void {
		const pages = this.pages;
		const first = pages.word(parent, firstChildField);
		pages.setWord(node, parentField, parent);
		if (first === none) {
			pages.setWord(parent, firstChildField, node);
			pages.setWord(node, previousSiblingField, node);
		} else {
			const last = pages.word(first, previousSiblingField);
			pages.setWord(last, nextSiblingField, node);
			pages.setWord(node, previousSiblingField, last);
			pages.setWord(first, previousSiblingField, node);
		}
		pages.setWord(parent, childCountField, pages.word(parent, childCountField) + 1);
	}

	#unlink(node: number): void {
		const pages = this.pages;
		const parent = pages.word(node, parentField);
		const first = pages.word(parent, firstChildField);
		const next = pages.word(node, nextSiblingField);
		const previous = pages.word(node, previousSiblingField);
		if (node === first) pages.setWord(parent, firstChildField, next);
		else pages.setWord(previous, nextSiblingField, next);
		if (next !== none) pages.setWord(next, previousSiblingField, previous);
		else if (node !== first) pages.setWord(first, previousSiblingField, previous);
		pages.setWord(parent, childCountField, pages.word(parent, childCountField) - 1);
	}
}
