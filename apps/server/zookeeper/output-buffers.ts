/**
 * Buffers that answers are written into before they are sent. A connection has one only between the first answer of a batch and the
 * end of the batch; the kernel mostly takes the bytes at once, and the buffer serves the next connection.
 */
import { JuteWriter } from '#jute/codec';

const initialBytes = 1024;
/** A buffer that had to grow beyond this is not kept. */
const largestKeptBytes = 256 * 1024;
const mostKept = 1024;

export class OutputBuffers {
	readonly #free: JuteWriter[] = [];

	take(): JuteWriter {
		return this.#free.pop() ?? new JuteWriter(initialBytes);
	}

	/** Only when nobody reads the bytes any more. */
	giveBack(buffer: JuteWriter): void {
		if (buffer.bytes.length > largestKeptBytes || this.#free.length >= mostKept) return;
		buffer.reset();
		this.#free.push(buffer);
	}
}
