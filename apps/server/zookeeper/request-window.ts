/**
 * How many requests a connection may have under way: fewer where answers are large, so that what waits to be sent at the end of a batch stays small
 * whatever a client pipelines.
 */
const most = 1000;
const least = 4;
/** Of answers as large as they have been lately. */
const windowBytes = 16 << 20;
/** Of answers as large as a node, however small they have been so far. */
const largestWindowBytes = 64 << 20;
/** A maximum that is forgotten slowly, so that one large answer narrows the window for a while. */
const decay = 0.98;

export class RequestWindow {
	#largestReply = 0;

	replied(bytes: number): void {
		this.#largestReply = Math.max(bytes, this.#largestReply * decay);
	}

	/** @param largestData bytes of the largest node there is */
	size(largestData: number): number {
		if (this.#largestReply * most <= windowBytes && largestData * most <= largestWindowBytes) return most;
		return Math.max(least, Math.floor(Math.min(windowBytes / this.#largestReply, largestWindowBytes / largestData)));
	}
}
