/** The other side of a link, as a script: it says what the test says, and keeps what it is told. */

import type { TxnRecord } from '#core/model/txn-record';
import { makeZxid, noSession, type Zxid } from '#core/model/zxid';
import type { QuorumLink, QuorumLinkListener } from '#core/ports/quorum-link';
import { majorityConfig } from '#core/zab/majority';
import { Membership } from '#core/zab/membership';
import { describePacket, proposal } from '#core/zab/messages';
import type { QuorumConfig } from '#core/zab/quorum-config';
import type { QuorumPacket } from '#jute/quorum/packets';
import { noStore } from './breakable-membership.ts';
import type { SeededRandom } from './random.ts';
import { SimLink } from './sim-link.ts';

export class ScriptedPeer {
	readonly packets: QuorumPacket[] = [];
	/** All that the other side sent, also what its end of the link did not let arrive. */
	readonly sent: QuorumPacket[] = [];
	isClosed = false;
	readonly #link: SimLink;
	readonly #side: 'learner' | 'leader';

	/** @param side which end the script is */
	constructor(side: 'learner' | 'leader', other: (link: QuorumLink) => QuorumLinkListener) {
		this.#side = side;
		this.#link = new SimLink(2, 1, {
			[side === 'learner' ? 'fromLeader' : 'fromLearner']: (packet: QuorumPacket) => void this.sent.push(packet),
		});
		const mine = (): QuorumLinkListener => ({
			received: (packet) => void this.packets.push(packet),
			closed: () => {
				this.isClosed = true;
			},
		});
		if (side === 'learner') this.#link.connect(other, mine);
		else this.#link.connect(mine, other);
	}

	/** Arrives at once, in one read. */
	send(...packets: QuorumPacket[]): void {
		const [mine, other] =
			this.#side === 'learner'
				? [this.#link.learnerEnd, this.#link.leaderEnd]
				: [this.#link.leaderEnd, this.#link.learnerEnd];
		for (const packet of packets) mine.send(packet);
		other.deliver(packets.length);
		this.#link.settle();
	}

	/** What came since the last time, as names; the bytes of a snapshot are left out. */
	async heard(): Promise<string[]> {
		for (let i = 0; i < 30; i++) await Promise.resolve();
		const mine = this.#side === 'learner' ? this.#link.learnerEnd : this.#link.leaderEnd;
		const before = this.packets.length;
		const stream: number[] = [];
		while (mine.incoming.length > 0) {
			if ('bytes' in mine.incoming[0]!)
				stream.push((mine.incoming.shift() as { readonly bytes: Uint8Array }).bytes.length);
			else mine.deliver(1);
		}
		this.#link.settle();
		return this.packets.slice(before).map(describePacket);
	}

	/** The bytes of a snapshot. */
	stream(chunks: readonly Uint8Array[]): void {
		this.#link.leaderEnd.sendStream(chunks[Symbol.iterator](), () => {});
		this.#link.learnerEnd.deliver(chunks.length * 2);
	}
}

/** A transaction that differs from every other one by its number. */
export function txnRecord(zxid: number, number = zxid % 2 ** 32): TxnRecord {
	return {
		header: { sessionId: noSession, cxid: number, zxid: zxid as Zxid, time: 1 },
		txn: { kind: 'setData', path: `/${number}`, data: null, version: 1 },
		digest: { version: 2, value: 7n },
		context: null,
	};
}

/** Those of an epoch, from counter 1 on. */
export function epochRecords(epoch: number, count: number): TxnRecord[] {
	return Array.from({ length: count }, (_, i) => txnRecord(makeZxid(epoch, i + 1)));
}

export function configOf(participants: number, observers = 0): QuorumConfig {
	return majorityConfig(
		Array.from({ length: participants + observers }, (_, i) => ({
			id: i + 1,
			role: i < participants ? ('participant' as const) : ('observer' as const),
			quorumAddresses: [{ host: '127.0.0.1', port: 1001 + i }],
			electionAddresses: [{ host: '127.0.0.1', port: 2001 + i }],
			client: undefined,
		})),
	);
}

/** A membership that stays what it is. */
export function fixedMembership(serverId: number, current: QuorumConfig): Membership {
	return new Membership({ serverId, current, isReconfigurable: false, store: noStore });
}

/** Any type, a zxid that may or may not mean something, and data that may or may not be whole. */
export function randomPacket(random: SeededRandom): QuorumPacket {
	const zxid = random.pick([-1, 0, Number.MAX_SAFE_INTEGER, makeZxid(random.below(4), random.below(9))]);
	const type = random.below(21);
	if (zxid > 0 && zxid < makeZxid(5, 0) && random.chance(0.4)) return { ...proposal(txnRecord(zxid)), type };
	const data = random.chance(0.3)
		? null
		: Uint8Array.from({ length: random.below(30) }, () => random.pick([0, 0, 1, 2, 255]));
	return { type, zxid, data, authinfo: null };
}
