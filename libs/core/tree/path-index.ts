/**
 * From the hash of a path to the records that may have it. Extendible hashing: the upper bits of the hash choose a segment through a
 * directory, the lower bits a slot in it; a segment that is nearly full splits in two by its next bit. No growth ever touches
 * more than one segment and the directory, so none stalls.
 */

const initialSlots = 2048;
/** From this depth on a segment grows instead of splitting: then many paths have the same hash, and splitting would not help. */
const maxDepth = 20;

class Segment {
	/** Hash and record of each slot; record 0: empty. */
	slots: Uint32Array;
	count = 0;
	/** How many upper bits of the hash its entries share. */
	depth: number;

	constructor(depth: number, slots: number) {
		this.depth = depth;
		this.slots = new Uint32Array(slots * 2);
	}

	add(hash: number, node: number): void {
		const mask = this.slots.length - 1;
		let at = (hash << 1) & mask;
		while (this.slots[at + 1] !== 0) at = (at + 2) & mask;
		this.slots[at] = hash;
		this.slots[at + 1] = node;
		this.count += 1;
	}

	/** Closes the gap, so that no marks of deleted entries are needed. */
	remove(hash: number, node: number): boolean {
		const slots = this.slots;
		const mask = slots.length - 1;
		let at = (hash << 1) & mask;
		while (slots[at + 1] !== node) {
			if (slots[at + 1] === 0) return false;
			at = (at + 2) & mask;
		}
		let gap = at;
		for (let next = (gap + 2) & mask; slots[next + 1] !== 0; next = (next + 2) & mask) {
			const home = (slots[next]! << 1) & mask;
			if (((next - home) & mask) >= ((next - gap) & mask)) {
				slots[gap] = slots[next]!;
				slots[gap + 1] = slots[next + 1]!;
				gap = next;
			}
		}
		slots[gap] = 0;
		slots[gap + 1] = 0;
		this.count -= 1;
		return true;
	}
}

export class PathIndex {
	#depth = 1;
	#directory: Segment[] = [new Segment(1, initialSlots), new Segment(1, initialSlots)];
	#slots: Uint32Array = this.#directory[0]!.slots;
	#at = 0;
	#hash = 0;

	/** The first record with this hash, or 0; further ones come from next(). */
	first(hash: number): number {
		const slots = this.#directory[hash >>> (32 - this.#depth)]!.slots;
		const mask = slots.length - 1;
		let at = (hash << 1) & mask;
		let node = slots[at + 1]!;
		while (node !== 0 && slots[at] !== hash) {
			at = (at + 2) & mask;
			node = slots[at + 1]!;
		}
		this.#slots = slots;
		this.#at = at;
		this.#hash = hash;
		return node;
	}

	/** The next record with the hash that first() was asked for, or 0. The index may not change in between. */
	next(): number {
		const slots = this.#slots;
		const mask = slots.length - 1;
		let at = (this.#at + 2) & mask;
		let node = slots[at + 1]!;
		while (node !== 0 && slots[at] !== this.#hash) {
			at = (at + 2) & mask;
			node = slots[at + 1]!;
		}
		this.#at = at;
		return node;
	}

	/** `hash` is unsigned. */
	add(hash: number, node: number): void {
		let segment = this.#directory[hash >>> (32 - this.#depth)]!;
		while (segment.count * 8 >= segment.slots.length * 3) {
			this.#makeRoom(segment, hash);
			segment = this.#directory[hash >>> (32 - this.#depth)]!;
		}
		segment.add(hash, node);
	}

	remove(hash: number, node: number): boolean {
		return this.#directory[hash >>> (32 - this.#depth)]!.remove(hash, node);
	}

	#makeRoom(segment: Segment, hash: number): void {
		if (segment.depth === maxDepth) {
			const old = segment.slots;
			segment.slots = new Uint32Array(old.length * 2);
			segment.count = 0;
			for (let at = 0; at < old.length; at += 2) if (old[at + 1] !== 0) segment.add(old[at]!, old[at + 1]!);
			return;
		}
		if (segment.depth === this.#depth) this.#doubleDirectory();
		this.#split(segment, hash);
	}

	#doubleDirectory(): void {
		const doubled: Segment[] = [];
		for (const segment of this.#directory) doubled.push(segment, segment);
		this.#directory = doubled;
		this.#depth += 1;
	}

	#split(segment: Segment, hash: number): void {
		const bit = 31 - segment.depth;
		const slots = segment.slots;
		const zero = new Segment(segment.depth + 1, slots.length >>> 1);
		const one = new Segment(segment.depth + 1, slots.length >>> 1);
		for (let at = 0; at < slots.length; at += 2) {
			const node = slots[at + 1]!;
			if (node === 0) continue;
			const entryHash = slots[at]!;
			((entryHash >>> bit) & 1 ? one : zero).add(entryHash, node);
		}
		const span = 1 << (this.#depth - segment.depth);
		const first = (hash >>> (32 - this.#depth)) & ~(span - 1);
		for (let i = 0; i < span; i++) this.#directory[first + i] = i < span / 2 ? zero : one;
	}
}
