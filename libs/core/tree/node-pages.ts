/**
 * Fixed-size node records in shared memory, copied page by page before the first write while a freeze is open.
 *
 * A record is 32 words; a page holds 32 records (4 KiB, so that a copy takes about a microsecond); a chunk is one
 * SharedArrayBuffer of 256 page slots. The page table says which slot has the current content of a page. A freeze takes a copy
 * of the table and nothing else: slots of that time are never written again until it is released. Record 0 stands for "none".
 */
import type { Freezes } from './freezes.ts';

export const recordWords = 32;
const recordShift = 5;
const recordMask = 31;
const pageWordShift = 10;
const pageBytes = 4 << pageWordShift;
const chunkShift = 8;
const chunkMask = 255;
const slotsPerChunk = 1 << chunkShift;
const chunkBytes = pageBytes << chunkShift;

/** Records as a reader sees them: main thread or snapshot worker. */
export class PageReader {
	protected words: Int32Array[] = [];
	protected bytes: Uint8Array[] = [];
	protected views: DataView[] = [];
	protected table: Int32Array;

	constructor(chunks: readonly SharedArrayBuffer[], table: Int32Array) {
		this.table = table;
		for (const chunk of chunks) this.addChunk(chunk);
	}

	/** A word of a record. */
	word(node: number, field: number): number {
		const slot = this.table[node >>> recordShift]!;
		return this.words[slot >>> chunkShift]![this.wordAt(slot, node) + field]!;
	}

	/** The memory a record lies in, to be used with byteOffset() and not to be kept. */
	bytesOf(node: number): Uint8Array {
		return this.bytes[this.table[node >>> recordShift]! >>> chunkShift]!;
	}

	viewOf(node: number): DataView {
		return this.views[this.table[node >>> recordShift]! >>> chunkShift]!;
	}

	byteOffset(node: number): number {
		return this.wordAt(this.table[node >>> recordShift]!, node) << 2;
	}

	protected wordAt(slot: number, node: number): number {
		return ((slot & chunkMask) << pageWordShift) | ((node & recordMask) << 5);
	}

	protected addChunk(chunk: SharedArrayBuffer): void {
		this.words.push(new Int32Array(chunk));
		this.bytes.push(new Uint8Array(chunk));
		this.views.push(new DataView(chunk));
	}
}

export class NodePages extends PageReader {
	readonly #freezes: Freezes;
	readonly #chunks: SharedArrayBuffer[] = [];
	/** The epoch in which each page got its slot. */
	#epochs: Uint32Array;
	#pages = 0;
	/**
	 * Slots that no page and no freeze uses: after a snapshot as many as pages were written while it was taken. They stay with the tree
	 * for the next one; giving chunks back to the allocator was tried, and the process did not become smaller.
	 */
	#spare: number[] = [];
	/** Slots that were replaced while a freeze was open, by the epoch of the newest freeze at that time. */
	readonly #retired = new Map<number, number[]>();
	/** Freed records, linked through their first word. */
	#freeNode = 0;
	#nextNode = 1;

	constructor(freezes: Freezes) {
		super([], new Int32Array(64));
		this.#freezes = freezes;
		this.#epochs = new Uint32Array(64);
	}

	/** A zeroed record. */
	allocate(): number {
		const node = this.#freeNode;
		if (node !== 0) {
			this.#freeNode = this.word(node, 0);
			this.setWord(node, 0, 0);
			return node;
		}
		const fresh = this.#nextNode++;
		if (fresh >>> recordShift >= this.#pages) this.#addPage();
		return fresh;
	}

	free(node: number): void {
		this.touch(node);
		const at = this.byteOffset(node) >>> 2;
		const words = this.words[this.table[node >>> recordShift]! >>> chunkShift]!;
		words.fill(0, at, at + recordWords);
		words[at] = this.#freeNode;
		this.#freeNode = node;
	}

	setWord(node: number, field: number, value: number): void {
		const page = node >>> recordShift;
		if (this.#epochs[page]! <= this.#freezes.newestOpen) this.#copy(page);
		const slot = this.table[page]!;
		this.words[slot >>> chunkShift]![this.wordAt(slot, node) + field] = value;
	}

	/** Makes the record writable through bytesOf() and viewOf(), until the next freeze. */
	touch(node: number): void {
		const page = node >>> recordShift;
		if (this.#epochs[page]! <= this.#freezes.newestOpen) this.#copy(page);
	}

	/** What a reader of the open freeze needs; the table is a copy. */
	snapshot(): { readonly chunks: readonly SharedArrayBuffer[]; readonly table: Int32Array } {
		return { chunks: this.#chunks.slice(), table: this.table.slice(0, this.#pages) };
	}

	/** Slots retired under a freeze that was closed are free, unless an older one still sees them. */
	released(epoch: number, olderOpen: number): void {
		const slots = this.#retired.get(epoch);
		if (slots === undefined) return;
		this.#retired.delete(epoch);
		for (const slot of slots) {
			if (olderOpen === 0) this.#spare.push(slot);
			else this.#retire(olderOpen, slot);
		}
	}

	#addPage(): void {
		if (this.#pages === this.table.length) {
			const table = new Int32Array(this.#pages * 2);
			table.set(this.table);
			this.table = table;
			const epochs = new Uint32Array(this.#pages * 2);
			epochs.set(this.#epochs);
			this.#epochs = epochs;
		}
		const slot = this.#takeSlot();
		const from = (slot & chunkMask) << pageWordShift;
		this.words[slot >>> chunkShift]!.fill(0, from, from + (1 << pageWordShift));
		this.table[this.#pages] = slot;
		this.#epochs[this.#pages] = this.#freezes.current;
		this.#pages += 1;
	}

	#copy(page: number): void {
		const old = this.table[page]!;
		const slot = this.#takeSlot();
		const from = (old & chunkMask) << pageWordShift;
		const source = this.words[old >>> chunkShift]!.subarray(from, from + (1 << pageWordShift));
		this.words[slot >>> chunkShift]!.set(source, (slot & chunkMask) << pageWordShift);
		this.table[page] = slot;
		this.#epochs[page] = this.#freezes.current;
		this.#retire(this.#freezes.newestOpen, old);
	}

	#retire(epoch: number, slot: number): void {
		const slots = this.#retired.get(epoch);
		if (slots === undefined) this.#retired.set(epoch, [slot]);
		else slots.push(slot);
	}

	#takeSlot(): number {
		if (this.#spare.length === 0) this.#makeSlots();
		return this.#spare.pop()!;
	}

	#makeSlots(): void {
		const first = this.#chunks.length << chunkShift;
		const chunk = new SharedArrayBuffer(chunkBytes);
		this.#chunks.push(chunk);
		this.addChunk(chunk);
		// The lowest is taken first.
		for (let i = slotsPerChunk - 1; i >= 0; i--) this.#spare.push(first | i);
	}
}
