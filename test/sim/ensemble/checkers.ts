/** What must hold whatever happens to the members. Each finding is one sentence. */
import type { TxnRecord } from '#core/model/txn-record';
import { formatZxid, isContiguous, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';

export interface Acknowledged {
	readonly sessionId: SessionId;
	readonly cxid: number;
	readonly zxid: Zxid;
	readonly error: number;
}

export class Checkers {
	readonly findings: string[] = [];
	/** What every member that reached a zxid committed there. */
	readonly #history = new Map<Zxid, TxnRecord>();
	readonly #leaders = new Map<number, number>();
	readonly #usedUp = new Set<number>();
	/** The highest zxid a client was told. */
	highestAcknowledged: Zxid = zeroZxid;
	acknowledged = 0;

	find(finding: string): void {
		if (this.findings.length < 20) this.findings.push(finding);
	}

	committed(id: number, record: TxnRecord): void {
		const { zxid, sessionId, cxid } = record.header;
		const known = this.#history.get(zxid);
		if (known === undefined) {
			this.#history.set(zxid, record);
			return;
		}
		const isSame =
			known.header.sessionId === sessionId &&
			known.header.cxid === cxid &&
			known.txn.kind === record.txn.kind &&
			known.digest?.value === record.digest?.value;
		if (!isSame) this.find(`member ${id} committed another transaction at ${formatZxid(zxid)} than the others`);
	}

	established(id: number, epoch: number): void {
		const other = this.#leaders.get(epoch);
		if (other !== undefined && other !== id) this.find(`epoch ${epoch} has two leaders, ${other} and ${id}`);
		this.#leaders.set(epoch, id);
	}

	/** Its leader gave out the last zxid of this epoch. */
	usedUp(epoch: number): void {
		this.#usedUp.add(epoch);
	}

	get usedUpEpochs(): number {
		return this.#usedUp.size;
	}

	/** At the end: an epoch that was used up is followed by another (semantics 7). */
	epochs(): void {
		const last = Math.max(...this.#leaders.keys());
		for (const epoch of this.#usedUp) {
			if (epoch >= last) this.find(`no epoch begins behind ${epoch}, whose zxids are used up`);
		}
	}

	acknowledge({ sessionId, cxid, zxid, error }: Acknowledged): void {
		this.acknowledged += 1;
		if (zxid > this.highestAcknowledged) this.highestAcknowledged = zxid;
		const record = this.#history.get(zxid);
		const what = `session 0x${sessionId.toString(16)} was told that ${cxid} is ${formatZxid(zxid)}`;
		if (record === undefined) this.find(`${what}, which nobody committed`);
		else if (record.header.sessionId !== sessionId || record.header.cxid !== cxid)
			this.find(`${what}, which is another`);
		else if ((record.txn.kind === 'error' ? record.txn.code : 0) !== error) this.find(`${what} with error ${error}`);
	}

	/** At the end, of a member that is in step: its log and state have everything that was acknowledged. */
	whole(id: number, lastZxid: Zxid): void {
		if (lastZxid < this.highestAcknowledged) {
			this.find(
				`member ${id} ends at ${formatZxid(lastZxid)}, but ${formatZxid(this.highestAcknowledged)} was acknowledged`,
			);
		}
	}

	/** A member's log has no hole, and nothing that the others committed otherwise. */
	log(id: number, records: readonly TxnRecord[]): void {
		let last: Zxid | undefined;
		for (const { header, digest } of records) {
			if (last !== undefined && !isContiguous(last, header.zxid)) {
				this.find(`the log of member ${id} has a hole behind ${formatZxid(last)}`);
			}
			last = header.zxid;
			const known = this.#history.get(header.zxid);
			if (known !== undefined && known.digest?.value !== digest?.value) {
				this.find(`the log of member ${id} has a phantom at ${formatZxid(header.zxid)}`);
			}
		}
	}
}
