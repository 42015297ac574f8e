/** Reads a file from front to back through a window: bounded memory, and no system call per record. */
import fs from 'node:fs';

const defaultChunkBytes = 1 << 20;

export interface FileWindowOptions {
	/** The byte to begin at. */
	readonly from?: number;
	readonly reuse?: boolean;
	/** How much is read at a time. */
	readonly chunkBytes?: number;
}

/**
 * `bytes[at..end)` is what has been read and not yet taken. Views of `bytes` stay valid: a window that moves on takes new memory
 * (`reuse: true` overwrites the old one instead, for consumers that copy at once).
 */
export class FileWindow {
	readonly file: string;
	/** Not a Buffer: slice() of one would be a view. */
	bytes: Uint8Array = new Uint8Array(0);
	/** The same memory. */
	view: DataView = new DataView(this.bytes.buffer);
	at = 0;
	end = 0;
	readonly #fd: number;
	readonly #reuse: boolean;
	readonly #chunkBytes: number;
	#base: number;
	#closed = false;

	constructor(file: string, options: FileWindowOptions = {}) {
		this.file = file;
		this.#fd = fs.openSync(file, 'r');
		this.#base = options.from ?? 0;
		this.#reuse = options.reuse ?? false;
		this.#chunkBytes = options.chunkBytes ?? defaultChunkBytes;
	}

	/** The byte in the file that `at` stands on. */
	get offset(): number {
		return this.#base + this.at;
	}

	/** The file's size now: a log in use grows. */
	size(): number {
		return fs.fstatSync(this.#fd).size;
	}

	/** Tries to have `wanted` bytes in the window, and returns how many there are: fewer only where the file ends. */
	need(wanted: number): number {
		const have = this.end - this.at;
		return have >= wanted ? have : this.#fill(wanted);
	}

	/** Forgets what was read ahead: the next need() reads the file as it is then. */
	forget(): void {
		this.end = this.at;
	}

	/** Goes on at another byte of the file, as it is then. */
	seek(offset: number): void {
		this.#base = offset;
		this.at = 0;
		this.end = 0;
	}

	/** The file has no name any more: what can be read here is in no directory. */
	isRemoved(): boolean {
		return fs.fstatSync(this.#fd).nlink === 0;
	}

	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		fs.closeSync(this.#fd);
	}

	#fill(wanted: number): number {
		const have = this.end - this.at;
		// A length that the file cannot hold must not make us allocate.
		const available = Math.max(0, this.size() - this.offset);
		const capacity = Math.min(Math.max(this.#chunkBytes, wanted), Math.max(available, have));
		if (capacity > have) this.#move(capacity, have);
		while (this.end < capacity) {
			const read = fs.readSync(this.#fd, this.bytes, this.end, capacity - this.end, this.#base + this.end);
			if (read === 0) break;
			this.end += read;
		}
		return this.end - this.at;
	}

	#move(capacity: number, have: number): void {
		this.#base += this.at;
		if (this.#reuse && this.bytes.length >= capacity) {
			this.bytes.copyWithin(0, this.at, this.end);
		} else {
			const next = new Uint8Array(this.#reuse ? Math.max(capacity, this.#chunkBytes) : capacity);
			next.set(this.bytes.subarray(this.at, this.end));
			this.bytes = next;
			this.view = new DataView(next.buffer);
		}
		this.at = 0;
		this.end = have;
	}
}
