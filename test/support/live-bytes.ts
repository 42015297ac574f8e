import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of array buffers that are in use, those of this process's other threads left out: what nobody holds any more is collected first. */
export function liveBufferBytes(): number {
	collect();
	return process.memoryUsage().arrayBuffers;
}

/** Of many samples the highest, for a limit: collecting takes so long that it is done only where what is not collected yet could exceed it. */
export class LiveBufferPeak {
	readonly #before = liveBufferBytes();
	readonly #limit: number;
	/** More bytes than there were at first; no more than the limit when that was never exceeded. */
	highest = 0;

	constructor(limit: number) {
		this.#limit = limit;
	}

	sample(): void {
		const most = process.memoryUsage().arrayBuffers - this.#before;
		this.highest = Math.max(this.highest, most < this.#limit ? most : liveBufferBytes() - this.#before);
	}
}
