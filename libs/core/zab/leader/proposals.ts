/** The leader's proposals of its epoch that some learner may still have to be sent: those not committed, and those not applied. */
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import { assert } from '../../model/assert.ts';
import type { TxnRecord } from '../../model/txn-record.ts';
import { nextZxid, type Zxid } from '../../model/zxid.ts';
import { encodeRecord, packet, proposal } from '../messages.ts';
import { ProposalSizes } from './proposal-sizes.ts';

const compactFrom = 4096;

export class Proposal {
	readonly record: TxnRecord;
	readonly #sizes: ProposalSizes;
	#proposed: QuorumPacket | null = null;

	constructor(record: TxnRecord, sizes: ProposalSizes) {
		this.record = record;
		this.#sizes = sizes;
	}

	get zxid(): Zxid {
		return this.record.header.zxid;
	}

	/** One packet for all followers. */
	get proposed(): QuorumPacket {
		if (this.#proposed === null) {
			this.#proposed = proposal(this.record);
			this.#sizes.add(this.#proposed.data?.length ?? 0);
		}
		return this.#proposed;
	}

	/** What followers get when it is committed. */
	committed(designatedLeader: number | null): QuorumPacket {
		if (designatedLeader === null) return packet(packetType.commit, this.zxid);
		return packet(packetType.commitAndActivate, this.zxid, longData(designatedLeader));
	}

	/** What observers get when it is committed. */
	inform(designatedLeader: number | null): QuorumPacket {
		if (designatedLeader === null) return packet(packetType.inform, this.zxid, this.proposed.data);
		return packet(packetType.informAndActivate, this.zxid, encodeRecord(this.record, BigInt(designatedLeader)));
	}
}

/** In zxid order without a hole: the place of a zxid is a subtraction. */
export class Proposals {
	readonly sizes = new ProposalSizes();
	#items: Proposal[] = [];
	/** How many in front are dropped. */
	#head = 0;
	#last: Zxid;

	/** @param last the zxid that stands for the epoch */
	constructor(last: Zxid) {
		this.#last = last;
	}

	get last(): Zxid {
		return this.#last;
	}

	push(record: TxnRecord): void {
		assert(record.header.zxid === nextZxid(this.#last), 'proposals have consecutive zxids');
		this.#last = record.header.zxid;
		this.#items.push(new Proposal(record, this.sizes));
	}

	/** Those behind `zxid`, up to and including `upTo`. */
	between(zxid: Zxid, upTo: Zxid): readonly Proposal[] {
		const first = this.#items[this.#head];
		if (first === undefined || upTo < first.zxid) return [];
		const start = this.#head + Math.max(0, zxid + 1 - first.zxid);
		return this.#items.slice(start, this.#head + upTo + 1 - first.zxid);
	}

	dropThrough(zxid: Zxid): void {
		const first = this.#items[this.#head];
		if (first === undefined || zxid < first.zxid) return;
		this.#head = Math.min(this.#items.length, this.#head + zxid + 1 - first.zxid);
		if (this.#head === this.#items.length || this.#head >= compactFrom) {
			this.#items = this.#items.slice(this.#head);
			this.#head = 0;
		}
	}
}

function longData(value: number): Uint8Array {
	const data = new Uint8Array(8);
	new DataView(data.buffer).setBigInt64(0, BigInt(value));
	return data;
}
