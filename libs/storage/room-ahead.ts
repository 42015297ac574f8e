/**
 * The room ahead of a log's records: zeros, a step at a time. To overwrite blocks that are already there changes no metadata of the file, so a record's
 * sync is cheaper than in a growing file.
 *
 * The zeros are written and synced while the records are: nobody waits for them, unless the records catch up with them. That they
 * cannot be written is no failure yet; if it is the disk's, the records' own write says so.
 */
import type { DiskFile } from './disk.ts';

const stepBytes = 1 << 17;
/** A write of which few would use such a step up takes new blocks in any case: zeros ahead of it would only be written twice. */
const largeWriteBytes = stepBytes / 4;
const zeros = new Uint8Array(stepBytes);

export class RoomAhead {
	readonly #file: DiskFile;
	readonly #growBytes: number;
	readonly #isZeroed: boolean;
	#size = 0;
	/** Where the zeros end that are there or being written. */
	#zeroed = 0;
	/** Where those begin that are being written. */
	#zeroingFrom = 0;
	#zeroing: Promise<void> | null = null;

	/**
	 * @param growBytes how the file grows; 0: with each write
	 * @param isZeroed of use only where the records are synced
	 */
	constructor(file: DiskFile, growBytes: number, isZeroed: boolean) {
		this.#isZeroed = isZeroed;
		this.#file = file;
		this.#growBytes = growBytes;
	}

	/** Null: `bytes` may be written up to `end`. Otherwise they may when it resolves. */
	make(bytes: number, end: number): Promise<void> | null {
		if (this.#growBytes === 0) return null;
		// ZooKeeper grows the file when less than 4 KiB are left of it.
		if (end + 4096 >= this.#size) return this.#grow(bytes, end);
		if (!this.#isZeroed) return null;
		if (this.#zeroing !== null) return end > this.#zeroingFrom ? this.#zeroing : null;
		const isFarEnough = this.#zeroed - end > stepBytes / 2;
		if (!isFarEnough && bytes <= largeWriteBytes) this.#zeroing = this.#zero(end);
		return null;
	}

	/** Nothing more is written here. The zeros behind the records go: a finished log takes no more room than they. */
	async cutOff(end: number): Promise<void> {
		await this.#zeroing;
		if (this.#size > end) await this.#file.truncate(end);
	}

	/** Resolves when nothing is being written any more. Never rejects. */
	async settled(): Promise<void> {
		await this.#zeroing;
	}

	async #grow(bytes: number, end: number): Promise<void> {
		this.#size = Math.ceil((end + 4097) / this.#growBytes) * this.#growBytes;
		await this.#file.truncate(this.#size);
		await this.make(bytes, end);
	}

	async #zero(end: number): Promise<void> {
		this.#zeroingFrom = Math.max(this.#zeroed, end);
		const length = Math.min(stepBytes, this.#size - this.#zeroingFrom);
		this.#zeroed = this.#zeroingFrom + length;
		try {
			await this.#file.write(zeros, length, this.#zeroingFrom);
			await this.#file.datasync();
		} catch {
			// See above.
		}
		this.#zeroing = null;
	}
}
