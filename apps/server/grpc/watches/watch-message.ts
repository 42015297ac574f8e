/** WatchResponse out of events that are encoded already. The streams that hear the same send the same bytes. */
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { Zxid } from '#core/model/zxid';
import { WatchResponse, WatchServiceService } from '#proto/chronokeeper/v1/watch';
import type { EventFrame } from './heard-event.ts';

/** Its responses are bytes already. */
export const watchService = {
	...WatchServiceService,
	watch: { ...WatchServiceService.watch, responseSerialize: (bytes: Buffer) => bytes },
};
/** Bytes of a message; one event may be more. */
const maxMessageBytes = 1 << 16;

/** The first one: the watches are set. */
export function openedMessage(zxid: Zxid): Buffer {
	return Buffer.from(WatchResponse.encode({ events: [], zxid: BigInt(zxid) }).finish());
}

export interface WatchMessage {
	readonly bytes: Buffer;
	/** How many events it has. */
	readonly count: number;
}

const none: WatchMessage = { bytes: Buffer.alloc(0), count: 0 };

export class WatchMessages {
	/** Of the last message, and the one behind them. */
	#lastFrames: readonly EventFrame[] = [];
	#last = none;

	/**
	 * As many events as a message has room for, from `from` on.
	 * @param before the zxid of events that tell of what was before: the state when the watches were set
	 */
	of(frames: readonly EventFrame[], from: number, before: Zxid): WatchMessage {
		if (this.#last.count > 0 && this.#isSame(frames, from)) return this.#last;
		this.#last = messageOf(frames, from, before);
		this.#lastFrames = frames.slice(from, from + this.#last.count + 1);
		return this.#last;
	}

	/** Nobody else will send it. */
	forget(): void {
		this.#last = none;
		this.#lastFrames = [];
	}

	/** The same events, and the same one, or none, behind them. */
	#isSame(frames: readonly EventFrame[], from: number): boolean {
		const last = this.#lastFrames;
		if (Math.min(frames.length - from, this.#last.count + 1) !== last.length) return false;
		// What was before, was before another state for each.
		return last.every((frame, index) => frame === frames[from + index] && frame.zxid >= 0);
	}
}

function messageOf(frames: readonly EventFrame[], from: number, before: Zxid): WatchMessage {
	const parts: Uint8Array[] = [];
	let bytes = 0;
	let at = from;
	for (; at < frames.length; at++) {
		const frame = frames[at]!;
		if (at > from && bytes + frame.bytes.length > maxMessageBytes) break;
		parts.push(frame.bytes);
		bytes += frame.bytes.length;
	}
	const zxid = toldZxid(frames[at - 1]!, frames[at], before);
	parts.push(new BinaryWriter().uint32(zxidTag).uint64(BigInt(zxid)).finish());
	return { bytes: Buffer.concat(parts), count: at - from };
}

/** Everything up to it is told: of a transaction whose events go on in the next message not all is. */
function toldZxid(last: EventFrame, next: EventFrame | undefined, before: Zxid): number {
	if (last.zxid < 0) return next !== undefined && next.zxid < 0 ? 0 : before;
	return next !== undefined && next.zxid === last.zxid ? last.zxid - 1 : last.zxid;
}

/** Of WatchResponse.zxid: field 2, a varint. */
const zxidTag = 16;
