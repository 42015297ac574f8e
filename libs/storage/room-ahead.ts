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

	/** Resolves when `bytes` may be written up to `end`. */
	async make(bytes: number, end: number): Promise<void> {
		if (this.#growBytes === 0) return;
		// ZooKeeper grows the file when less than 4 KiB are left of it.
		if (end + 4096 >= this.#size) {
			this.#size = Math.ceil((end + 4097) / this.#growBytes) * this.#growBytes;
			await this.#file.truncate(this.#size);
		}
		if (!this.#isZeroed) return;
		if (this.#zeroing !== null && end > this.#zeroingFrom) await this.#zeroing;
		const isFarEnough = this.#zeroed - end > stepBytes / 2;
		if (this.#zeroing !== null || isFarEnough || bytes > largeWriteBytes) return;
		this.#zeroingFrom = Math.max(this.#zeroed, end);
		const length = Math.min(stepBytes, this.#size - this.#zeroingFrom);
		this.#zeroed = this.#zeroingFrom + length;
		this.#zeroing = this.#zero(length);
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

	async #zero(length: number): Promise<void> {
		try {
			await this.#file.write(zeros, length, this.#zeroingFrom);
			await this.#file.datasync();
		} catch {
			// See above.
		}
		this.#zeroing = null;
	}
}
