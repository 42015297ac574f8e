import type { Host } from '#core/host/host';
import { zeroZxid } from '#core/model/zxid';
import { ZooKeeperError } from '../grpc-error.ts';
import type { ReadBarrier } from '../read-barrier.ts';

/** The linearizable reads of a stream, one frame after the other: all that came in a frame came before a barrier that one of its reads waits for, so one is enough. */
export class LinearizableReads {
	readonly #barrier: ReadBarrier;
	readonly #host: Host;
	/** A barrier has passed that began when the frame was there. */
	#isCovered = false;
	/** Why the next read cannot be performed; 0: it can. */
	#error = 0;

	constructor(barrier: ReadBarrier, host: Host) {
		this.#barrier = barrier;
		this.#host = host;
	}

	/**
	 * Whether the next read of the frame may be performed now. Otherwise `settled` is called when it is to be asked again: never, when the caller is gone.
	 * @throws ZooKeeperError when there is no barrier to pass
	 */
	may(call: Parameters<ReadBarrier['pass']>[0], settled: () => void): boolean {
		const error = this.#error;
		this.#error = 0;
		if (error !== 0) throw new ZooKeeperError({ code: error, path: '', zxid: zeroZxid });
		if (this.#isCovered || this.#host.role === 'standalone') return true;
		this.#barrier.pass(call).then(
			(reply) => {
				this.#error = reply.error;
				this.#isCovered = reply.error === 0;
				settled();
			},
			() => undefined,
		);
		return false;
	}

	/** What comes from now on came later. */
	endFrame(): void {
		this.#isCovered = false;
	}
}
