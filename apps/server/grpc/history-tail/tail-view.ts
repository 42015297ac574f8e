/** What one caller gets of the transactions that are committed: what was asked for, as far as access control lists let them read it, as bytes of a response. */
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { isPermitted } from '#core/tree/acl-check';
import { permission } from '#jute/op-codes';
import type { HistoryResponse_Change } from '#proto/chronokeeper/v1/history';
import { HistoryResponse, NodeChange, TailedTransaction } from '#proto/chronokeeper/v1/history';
import { contextMessage, isSuper, type Viewer } from '../history-messages.ts';
import type { TailChange, TailEntry } from './tail-entry.ts';
import type { TailWish } from './tail-wish.ts';

export interface TailViewer extends Viewer {
	/** Sees every transaction and who did it. */
	readonly hasHistoryRole: boolean;
}

/** Of the responses: field 1, with a length. */
const itemTag = 10;
/** Of the responses: field 2, a varint. */
const zxidTag = 16;

export class TailView {
	/** Views with the same key give the same. */
	readonly key: string;
	/** Whether more than the transactions decides what the caller gets: the access control lists of then. */
	readonly needsAcls: boolean;
	readonly #wish: TailWish;
	readonly #viewer: TailViewer;
	/** Of entries that the caller sees as a whole. */
	readonly #wholeKey: string;

	constructor(wish: TailWish, viewer: TailViewer) {
		this.#wish = wish;
		this.#viewer = viewer;
		this.#wholeKey = `${wish.withData} ${isSuper(viewer)}`;
		this.needsAcls = !isSuper(viewer) && (wish.withData || !viewer.hasHistoryRole);
		this.key = JSON.stringify([wish.key, viewer.hasHistoryRole, this.#wholeKey, this.needsAcls && viewer.identities]);
	}

	get withData(): boolean {
		return this.#wish.withData;
	}

	/** Whether it cannot be told from this entry if the caller may hear of what was asked for. */
	lacksRights(entry: TailEntry): boolean {
		if (!this.needsAcls || this.#viewer.hasHistoryRole || !this.#wish.wants(entry)) return false;
		return entry.changes.some((change) => change.acl === null && this.#wish.wantsChange(change));
	}

	/** What of a transaction the caller is sent; null: nothing. */
	frame(entry: TailEntry): Uint8Array | null {
		if (!this.#wish.wants(entry)) return null;
		return this.#wish.kind === 'transactions' ? this.#transaction(entry) : this.#changes(entry);
	}

	#transaction(entry: TailEntry): Uint8Array | null {
		const { hasHistoryRole } = this.#viewer;
		const isWhole = hasHistoryRole && !(this.#wish.withData && entry.changes.some((one) => this.#isWithheld(one)));
		if (!isWhole) return this.#encoded(entry, hasHistoryRole);
		let frame = entry.frames.get(this.#wholeKey);
		if (frame === undefined) {
			frame = this.#encoded(entry, true)!;
			entry.frames.set(this.#wholeKey, frame);
		}
		return frame;
	}

	#encoded(entry: TailEntry, isForHistory: boolean): Uint8Array | null {
		const { txn } = entry;
		const changes = isForHistory ? entry.changes : entry.changes.filter((one) => this.#isReadable(one));
		// What else there is to it, a session or an error, is not theirs to know.
		if (!isForHistory && changes.length === 0) return null;
		const isPathShown = isForHistory || changes.length === entry.changes.length;
		const transaction: HistoryResponse = {
			zxid: BigInt(txn.zxid),
			timeMs: BigInt(txn.timeMs),
			sessionId: isForHistory ? txn.session : 0n,
			cxid: isForHistory ? txn.cxid : 0,
			type: txn.type,
			path: isPathShown ? (txn.path ?? '') : '',
			error: txn.error,
			digest: isForHistory ? (txn.digest ?? undefined) : undefined,
			changes: changes.map((change) => this.#message(change)),
			context: isForHistory ? contextMessage(txn, this.#viewer) : undefined,
			gap: undefined,
		};
		const withheldChanges = entry.changes.length - changes.length;
		return framed((writer) => TailedTransaction.encode({ transaction, withheldChanges }, writer));
	}

	#changes(entry: TailEntry): Uint8Array | null {
		const { zxid, timeMs } = entry.txn;
		const frames = entry.changes
			.filter((change) => this.#wish.wantsChange(change) && (this.#viewer.hasHistoryRole || this.#isReadable(change)))
			.map((change) => {
				const message = { zxid: BigInt(zxid), timeMs: BigInt(timeMs), change: this.#message(change) };
				return framed((writer) => NodeChange.encode(message, writer));
			});
		return frames.length === 0 ? null : Buffer.concat(frames);
	}

	#message(change: TailChange): HistoryResponse_Change {
		const { type, path, version, sizeAfter, data } = change;
		const dataWithheld = this.#wish.withData && this.#isWithheld(change);
		return {
			type,
			path,
			version: version ?? undefined,
			dataLengthBefore: undefined,
			dataLengthAfter: sizeAfter ?? undefined,
			data: this.#wish.withData && !dataWithheld ? (data ?? undefined) : undefined,
			dataWithheld,
		};
	}

	/** There are data, and the caller does not get them. */
	#isWithheld(change: TailChange): boolean {
		return change.isDataMissing || (change.data !== null && !this.#isReadable(change));
	}

	#isReadable({ acl }: TailChange): boolean {
		if (isSuper(this.#viewer)) return true;
		return acl !== null && isPermitted(acl, permission.read, this.#viewer.identities);
	}
}

/** A writer has some memory of its own, which the next frame can use; undefined while it is in use. */
let spare: BinaryWriter | undefined;
/** One that has grown beyond that is not kept. */
const keptWriterBytes = 1 << 20;

function framed(encode: (writer: BinaryWriter) => BinaryWriter): Uint8Array {
	const writer = spare ?? new BinaryWriter();
	spare = undefined;
	const frame = encode(writer.uint32(itemTag).fork()).join().finish();
	if (frame.length < keptWriterBytes) spare = writer;
	return frame;
}

/** A response: frames, and how far it is. */
export function tailMessage(frames: readonly Uint8Array[], zxid: number): Buffer {
	return Buffer.concat([...frames, new BinaryWriter().uint32(zxidTag).uint64(BigInt(zxid)).finish()]);
}
