/**
 * What the ensemble has committed, as one sequence: every transaction with the one that its leader had logged in front of it. Whoever commits a transaction commits what stands in
 * front of it, too, so a history that branches off, misses something or has something that was never committed shows at once.
 */
import type { TxnRecord } from '#core/model/txn-record';
import { epochOf, formatZxid, type Zxid, zeroZxid } from '#core/model/zxid';

interface Logged {
	readonly record: TxnRecord;
	/** The zxid in front of it in the log of who made it. */
	readonly previous: Zxid;
}

export class CommittedHistory {
	readonly #logged = new Map<Zxid, Logged>();
	readonly #committed: TxnRecord[] = [];
	readonly #committedZxids = new Set<Zxid>([zeroZxid]);
	readonly #digests = new Map<Zxid, bigint>();
	readonly #find: (finding: string) => void;
	readonly #onCommitted: (record: TxnRecord) => void;

	constructor(find: (finding: string) => void, onCommitted: (record: TxnRecord) => void) {
		this.#find = find;
		this.#onCommitted = onCommitted;
	}

	get records(): readonly TxnRecord[] {
		return this.#committed;
	}

	get last(): Zxid {
		return this.#committed.at(-1)?.header.zxid ?? zeroZxid;
	}

	/** The last one of an earlier epoch. */
	lastOfEpochsBefore(epoch: number): Zxid {
		return this.#committed.findLast(({ header }) => epochOf(header.zxid) < epoch)?.header.zxid ?? zeroZxid;
	}

	has(zxid: Zxid): boolean {
		return this.#committedZxids.has(zxid);
	}

	/** A member appended it to its log behind `previous`. */
	logged(id: number, record: TxnRecord, previous: Zxid): void {
		const { zxid } = record.header;
		const known = this.#logged.get(zxid);
		if (known === undefined) {
			this.#logged.set(zxid, { record, previous });
		} else if (!isSame(known.record, record)) {
			this.#find(`member ${id} logs another transaction at ${formatZxid(zxid)} than the others`);
		} else if (known.previous !== previous) {
			this.#find(
				`member ${id} logs ${formatZxid(zxid)} behind ${formatZxid(previous)}, its leader behind ${formatZxid(known.previous)}`,
			);
		}
	}

	/** Whether a transaction stands right behind another one. */
	follows(last: Zxid, zxid: Zxid): boolean {
		return this.#logged.get(zxid)?.previous === last;
	}

	/** The last zxid at or before `upTo` in the history that ends with `from`. */
	lastBefore(from: Zxid, upTo: Zxid): Zxid {
		let zxid = from;
		while (zxid > upTo) zxid = this.#logged.get(zxid)?.previous ?? zeroZxid;
		return zxid;
	}

	/** To this member everything up to here is committed. */
	committed(id: number, zxid: Zxid): void {
		if (this.has(zxid)) return;
		const chain: TxnRecord[] = [];
		let at = zxid;
		while (at > this.last) {
			const logged = this.#logged.get(at);
			if (logged === undefined) {
				this.#find(`member ${id} has ${formatZxid(at)} committed, which nobody ever logged`);
				return;
			}
			chain.push(logged.record);
			at = logged.previous;
		}
		if (at !== this.last) {
			this.#find(
				`member ${id} has ${formatZxid(zxid)} committed on ${formatZxid(at)}, where ${formatZxid(this.last)} was committed before: it is lost`,
			);
			return;
		}
		for (const record of chain.reverse()) {
			this.#committed.push(record);
			this.#committedZxids.add(record.header.zxid);
			this.#onCommitted(record);
		}
	}

	/** The digest of a member's tree when this zxid was the last one in it. */
	digest(id: number, zxid: Zxid, digest: bigint): void {
		const known = this.#digests.get(zxid);
		if (known === undefined) this.#digests.set(zxid, digest);
		else if (known !== digest) this.#find(`member ${id} has another tree at ${formatZxid(zxid)} than the others`);
	}

	/**
	 * At the end, of a member's log: all of it was committed, and what was committed is there.
	 * @param isInSnapshot whether a snapshot has what is missing between two zxids
	 */
	log(id: number, records: readonly TxnRecord[], isInSnapshot: (after: Zxid, before: Zxid) => boolean): void {
		let last: Zxid | undefined;
		for (const record of records) {
			const { zxid } = record.header;
			const logged = this.#logged.get(zxid);
			if (!this.has(zxid)) this.#find(`the log of member ${id} has a phantom at ${formatZxid(zxid)}`);
			else if (logged === undefined || !isSame(logged.record, record))
				this.#find(`the log of member ${id} has another transaction at ${formatZxid(zxid)} than was committed`);
			else if (last !== undefined && logged.previous !== last && !isInSnapshot(last, zxid))
				this.#find(`the log of member ${id} has a hole behind ${formatZxid(last)}`);
			last = zxid;
		}
	}
}

function isSame(one: TxnRecord, other: TxnRecord): boolean {
	return (
		one.header.sessionId === other.header.sessionId &&
		one.header.cxid === other.header.cxid &&
		one.txn.kind === other.txn.kind &&
		one.digest?.value === other.digest?.value
	);
}
