/**
 * Names and data in shared memory. A blob is immutable: a change allocates a new one and frees the old. While a freeze is open, freed
 * blobs are kept aside, so its reader sees them unharmed.
 *
 * A reference is a number of 8-byte units: the slab's number in the upper 17 bits, the place in the slab in the lower 15. A slab of
 * 256 KiB holds blobs of one size class (steps of 8 bytes up to 128, then eight classes per doubling up to 32 KiB); a larger blob
 * has a slab of its own, which goes with it. Memory of a size class is used again for that class only.
 * References 0 (null), 1 (empty) and 2 (counted, not kept) have no memory.
 */
import { assert } from '../model/assert.ts';
import type { Freezes } from './freezes.ts';

export const nullBlob = 0;
export const emptyBlob = 1;
/** A tree with `keepData: false` knows the length and the CRC of data, not the bytes. */
export const unkeptBlob = 2;

const unitShift = 15;
const unitMask = (1 << unitShift) - 1;
const slabBytes = 8 << unitShift;
const maxSlabs = 1 << 17;
const largestClassBytes = 32768;
const smallClasses = 16;
const classes = smallClasses + 64;

function classOf(bytes: number): number {
	if (bytes <= 128) return ((bytes + 7) >>> 3) - 1;
	const magnitude = 31 - Math.clz32(bytes - 1);
	return smallClasses + (magnitude - 7) * 8 + ((bytes - 1) >>> (magnitude - 3)) - 8;
}

function classBytes(sizeClass: number): number {
	if (sizeClass < smallClasses) return (sizeClass + 1) * 8;
	const step = (sizeClass - smallClasses) & 7;
	const magnitude = 7 + ((sizeClass - smallClasses) >>> 3);
	return (9 + step) << (magnitude - 3);
}

/** Blobs as a reader sees them: main thread or snapshot worker. */
export class BlobReader {
	protected slabs: (Uint8Array | undefined)[];

	constructor(slabs: readonly (SharedArrayBuffer | null)[]) {
		this.slabs = slabs.map((slab) => (slab === null ? undefined : new Uint8Array(slab)));
	}

	/** The memory a blob lies in, to be used with offsetOf() and not to be kept. */
	slabOf(ref: number): Uint8Array {
		return this.slabs[ref >>> unitShift]!;
	}

	offsetOf(ref: number): number {
		return (ref & unitMask) << 3;
	}

	/** Shared memory; valid until the blob is freed. Null for the null blob and for data that is not kept. */
	view(ref: number, length: number): Uint8Array | null {
		if (ref === nullBlob || ref === unkeptBlob) return null;
		if (ref === emptyBlob) return new Uint8Array(0);
		const offset = this.offsetOf(ref);
		return this.slabOf(ref).subarray(offset, offset + length);
	}

	/** A copy in memory of its own. Null as view() says. */
	copy(ref: number, length: number): Uint8Array | null {
		if (ref === nullBlob || ref === unkeptBlob) return null;
		if (ref === emptyBlob) return new Uint8Array(0);
		const offset = this.offsetOf(ref);
		return this.slabOf(ref).slice(offset, offset + length);
	}
}

const worthAligning = 64;
const aligned = new Uint8Array(largestClassBytes);

/** To a place in shared memory that is not as far from a multiple of 8 as theirs, set() copies bytes one at a time: several times as slow as by way of memory that is aligned. */
function setShared(to: Uint8Array, bytes: Uint8Array, at: number): void {
	const length = bytes.length;
	if ((bytes.byteOffset & 7) === 0 || length < worthAligning) {
		to.set(bytes, at);
		return;
	}
	if (length <= aligned.length) {
		aligned.set(bytes);
		to.set(aligned.subarray(0, length), at);
		return;
	}
	for (let from = 0; from < length; from += aligned.length) {
		setShared(to, bytes.subarray(from, from + aligned.length), at + from);
	}
}

const stackChunk = 1024;

/** Freed references of one size class: full chunks, and one that is being filled. Handing all of them over costs little. */
class RefStack {
	#full: Int32Array<ArrayBuffer>[] = [];
	#top = new Int32Array(0);
	#count = 0;

	push(ref: number): void {
		if (this.#count === this.#top.length) this.#grow();
		this.#top[this.#count++] = ref;
	}

	/** 0 when empty. */
	pop(): number {
		if (this.#count === 0) {
			const full = this.#full.pop();
			if (full === undefined) return 0;
			this.#top = full;
			this.#count = full.length;
		}
		return this.#top[--this.#count]!;
	}

	takeAll(from: RefStack): void {
		for (const chunk of from.#full) this.#full.push(chunk);
		for (let i = 0; i < from.#count; i++) this.push(from.#top[i]!);
	}

	#grow(): void {
		if (this.#count === stackChunk) {
			this.#full.push(this.#top);
			this.#top = new Int32Array(stackChunk);
			this.#count = 0;
			return;
		}
		const grown = new Int32Array(Math.min(stackChunk, Math.max(8, this.#count * 4)));
		grown.set(this.#top);
		this.#top = grown;
	}
}

export class BlobStore extends BlobReader {
	readonly #freezes: Freezes;
	readonly #buffers: (SharedArrayBuffer | null)[] = [null];
	/** The size class of each slab; -1 for a slab of one large blob. */
	readonly #classes: number[] = [-1];
	/** Numbers of slabs whose large blob is gone. */
	readonly #spareSlabs: number[] = [];
	readonly #free: (RefStack | undefined)[] = new Array<undefined>(classes).fill(undefined);
	/** Freed while a freeze was open, by the epoch of the newest one at that time, then by class. */
	readonly #kept = new Map<number, (RefStack | undefined)[]>();
	/** Per class: the slab that is being filled, and its next free unit. */
	readonly #filling = new Int32Array(classes);
	readonly #nextUnit = new Int32Array(classes);

	constructor(freezes: Freezes) {
		super([null]);
		this.#freezes = freezes;
	}

	/** Stores a copy of the bytes. */
	store(bytes: Uint8Array): number {
		const length = bytes.length;
		if (length === 0) return emptyBlob;
		const ref = this.allocate(length);
		setShared(this.slabOf(ref), bytes, this.offsetOf(ref));
		return ref;
	}

	/** Room for a blob of at least one byte, to be written before the next freeze. */
	allocate(length: number): number {
		if (length > largestClassBytes) return this.#addSlab(new SharedArrayBuffer(length), -1) << unitShift;
		const sizeClass = classOf(length);
		const free = this.#free[sizeClass];
		if (free !== undefined) {
			const ref = free.pop();
			if (ref !== 0) return ref >>> 0;
		}
		return this.#extend(sizeClass);
	}

	free(ref: number): void {
		const slab = ref >>> unitShift;
		if (slab === 0) return;
		const sizeClass = this.#classes[slab]!;
		if (sizeClass === -1) {
			// A freeze has its own list of slabs: this number may be used again at once.
			this.#buffers[slab] = null;
			this.slabs[slab] = undefined;
			this.#spareSlabs.push(slab);
			return;
		}
		const newest = this.#freezes.newestOpen;
		const stacks = newest === 0 ? this.#free : this.#keptUnder(newest);
		let stack = stacks[sizeClass];
		if (stack === undefined) stacks[sizeClass] = stack = new RefStack();
		stack.push(ref);
	}

	/** What a reader of the open freeze needs. */
	snapshot(): readonly (SharedArrayBuffer | null)[] {
		return this.#buffers.slice();
	}

	/** Blobs freed under a freeze that was closed can be used again, unless an older one still sees them. */
	released(epoch: number, olderOpen: number): void {
		const kept = this.#kept.get(epoch);
		if (kept === undefined) return;
		this.#kept.delete(epoch);
		const target = olderOpen === 0 ? this.#free : this.#keptUnder(olderOpen);
		for (let sizeClass = 0; sizeClass < classes; sizeClass++) {
			const stack = kept[sizeClass];
			if (stack === undefined) continue;
			const into = target[sizeClass];
			if (into === undefined) target[sizeClass] = stack;
			else into.takeAll(stack);
		}
	}

	#keptUnder(epoch: number): (RefStack | undefined)[] {
		let stacks = this.#kept.get(epoch);
		if (stacks === undefined) this.#kept.set(epoch, (stacks = new Array<undefined>(classes).fill(undefined)));
		return stacks;
	}

	#extend(sizeClass: number): number {
		const units = classBytes(sizeClass) >>> 3;
		let unit = this.#nextUnit[sizeClass]!;
		if (this.#filling[sizeClass] === 0 || unit + units > 1 << unitShift) {
			this.#filling[sizeClass] = this.#addSlab(new SharedArrayBuffer(slabBytes), sizeClass);
			unit = 0;
		}
		this.#nextUnit[sizeClass] = unit + units;
		return ((this.#filling[sizeClass]! << unitShift) | unit) >>> 0;
	}

	#addSlab(buffer: SharedArrayBuffer, sizeClass: number): number {
		const spare = this.#spareSlabs.pop();
		const slab = spare ?? this.#buffers.length;
		assert(slab < maxSlabs, 'names and data fit into 32 GiB');
		this.#buffers[slab] = buffer;
		this.slabs[slab] = new Uint8Array(buffer);
		this.#classes[slab] = sizeClass;
		return slab;
	}
}
