/**
 * From the hash of a path to the records that may have it. Extendible hashing: the upper bits of the hash choose a segment through a
 * directory, the lower bits a slot in it; a segment that is nearly full splits in two by its next bit. No growth ever touches
 * more than one segment and the directory, so none stalls.
 *
 * A slot is two words: the hash, and the record's number; record 0 means empty. Segments lie side by side in blocks, so that a look-up
 * costs one access to cold memory. Where so many paths have the same hash that splitting does not part them, the rest is in
 * a Map.
 */
import { assert } from '../model/assert.ts';

const segmentWordShift = 12;
const segmentWords = 1 << segmentWordShift;
const segmentMask = segmentWords - 1;
/** Three quarters of the slots. */
const fullSegment = (segmentWords / 2) * 0.75;
const blockShift = 6;
const blockMask = (1 << blockShift) - 1;
const maxDepth = 20;

export class PathIndex {
	/** How many upper bits of the hash choose an entry of the directory. */
	#depth = 1;
	#directory: Int32Array = Int32Array.of(0, 1);
	readonly #blocks: Uint32Array[] = [];
	/** Per segment: how many entries, and how many upper bits of the hash they share. */
	readonly #counts: number[] = [];
	readonly #depths: number[] = [];
	readonly #overflow = new Map<number, number[]>();
	/** Where first() and next() are: a slot of a block, then a place in an overflow list. */
	#words: Uint32Array;
	#base = 0;
	#at = 0;
	#hash = 0;
	#overflowAt = 0;

	constructor() {
		this.#addSegment(1);
		this.#addSegment(1);
		this.#words = this.#blocks[0]!;
	}

	/** The first record with this hash, or 0; further ones come from next(). `hash` is unsigned. */
	first(hash: number): number {
		const segment = this.#directory[hash >>> (32 - this.#depth)]!;
		this.#words = this.#blocks[segment >>> blockShift]!;
		this.#base = (segment & blockMask) << segmentWordShift;
		this.#hash = hash;
		this.#overflowAt = 0;
		return this.#probe((hash << 1) & segmentMask);
	}

	/** The next record with the hash that first() was asked for, or 0. The index may not change in between. */
	next(): number {
		return this.#overflowAt > 0 ? this.#nextOverflow() : this.#probe((this.#at + 2) & segmentMask);
	}

	/** A record is in the index once. */
	add(hash: number, node: number): void {
		let segment = this.#directory[hash >>> (32 - this.#depth)]!;
		while (this.#counts[segment]! >= fullSegment) {
			if (this.#depths[segment] === maxDepth) {
				const nodes = this.#overflow.get(hash);
				if (nodes === undefined) this.#overflow.set(hash, [node]);
				else nodes.push(node);
				return;
			}
			this.#split(segment, hash);
			segment = this.#directory[hash >>> (32 - this.#depth)]!;
		}
		this.#put(segment, hash, node);
	}

	/** False when the record is not in the index. */
	remove(hash: number, node: number): boolean {
		const segment = this.#directory[hash >>> (32 - this.#depth)]!;
		const words = this.#blocks[segment >>> blockShift]!;
		const base = (segment & blockMask) << segmentWordShift;
		let at = (hash << 1) & segmentMask;
		while (words[base + at + 1] !== node) {
			if (words[base + at + 1] === 0) return this.#removeOverflow(hash, node);
			at = (at + 2) & segmentMask;
		}
		closeGap(words, base, at);
		this.#counts[segment]! -= 1;
		return true;
	}

	#probe(from: number): number {
		const words = this.#words;
		const base = this.#base;
		const hash = this.#hash;
		let at = from;
		let node = words[base + at + 1]!;
		while (node !== 0 && words[base + at] !== hash) {
			at = (at + 2) & segmentMask;
			node = words[base + at + 1]!;
		}
		this.#at = at;
		return node === 0 && this.#overflow.size > 0 ? this.#nextOverflow() : node;
	}

	#nextOverflow(): number {
		return this.#overflow.get(this.#hash)?.[this.#overflowAt++] ?? 0;
	}

	#removeOverflow(hash: number, node: number): boolean {
		const nodes = this.#overflow.get(hash);
		const at = nodes?.indexOf(node) ?? -1;
		if (nodes === undefined || at === -1) return false;
		nodes.splice(at, 1);
		if (nodes.length === 0) this.#overflow.delete(hash);
		return true;
	}

	#put(segment: number, hash: number, node: number): void {
		const words = this.#blocks[segment >>> blockShift]!;
		const base = (segment & blockMask) << segmentWordShift;
		let at = (hash << 1) & segmentMask;
		while (words[base + at + 1] !== 0) at = (at + 2) & segmentMask;
		words[base + at] = hash;
		words[base + at + 1] = node;
		this.#counts[segment]! += 1;
	}

	#addSegment(depth: number): number {
		const segment = this.#counts.length;
		// The first block is small: most trees in tests have a few nodes.
		if (segment === 0) this.#blocks.push(new Uint32Array(2 * segmentWords));
		else if (segment === 2) this.#blocks[0] = enlarged(this.#blocks[0]!);
		else if ((segment & blockMask) === 0) this.#blocks.push(new Uint32Array(segmentWords << blockShift));
		this.#counts.push(0);
		this.#depths.push(depth);
		return segment;
	}

	#split(segment: number, hash: number): void {
		const depth = this.#depths[segment]!;
		if (depth === this.#depth) this.#doubleDirectory();
		const base = (segment & blockMask) << segmentWordShift;
		const other = this.#addSegment(depth + 1);
		const words = this.#blocks[segment >>> blockShift]!;
		const entries = words.slice(base, base + segmentWords);
		words.fill(0, base, base + segmentWords);
		this.#counts[segment] = 0;
		this.#depths[segment] = depth + 1;
		const bit = 31 - depth;
		for (let at = 0; at < entries.length; at += 2) {
			const entryHash = entries[at]!;
			if (entries[at + 1] !== 0) this.#put((entryHash >>> bit) & 1 ? other : segment, entryHash, entries[at + 1]!);
		}
		const span = 1 << (this.#depth - depth);
		const first = (hash >>> (32 - this.#depth)) & ~(span - 1);
		assert(this.#directory[first] === segment, 'the entries of the directory that share a segment are neighbours');
		this.#directory.fill(other, first + span / 2, first + span);
	}

	#doubleDirectory(): void {
		const doubled = new Int32Array(this.#directory.length * 2);
		for (let i = 0; i < doubled.length; i++) doubled[i] = this.#directory[i >>> 1]!;
		this.#directory = doubled;
		this.#depth += 1;
	}
}

function enlarged(block: Uint32Array): Uint32Array {
	const larger = new Uint32Array(segmentWords << blockShift);
	larger.set(block);
	return larger;
}

/** Moves later entries up, so that no marks of deleted ones are needed. */
function closeGap(words: Uint32Array, base: number, from: number): void {
	let gap = from;
	for (let next = (gap + 2) & segmentMask; words[base + next + 1] !== 0; next = (next + 2) & segmentMask) {
		const home = (words[base + next]! << 1) & segmentMask;
		if (((next - home) & segmentMask) >= ((next - gap) & segmentMask)) {
			words[base + gap] = words[base + next]!;
			words[base + gap + 1] = words[base + next + 1]!;
			gap = next;
		}
	}
	words[base + gap] = 0;
	words[base + gap + 1] = 0;
}
