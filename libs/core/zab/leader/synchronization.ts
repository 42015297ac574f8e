/**
 * Brings one learner up to a zxid: DIFF, TRUNC or SNAP and what belongs to it, up to where the leader's proposals go on (semantics 80). Committed
 * transactions go as a PROPOSAL with its COMMIT right behind it, to observers too.
 */
import { packetType } from '#jute/quorum/packets';
import type { TxnRecord } from '../../model/txn-record.ts';
import { counterOf, isContiguous, type Zxid } from '../../model/zxid.ts';
import type { QuorumLink } from '../../ports/quorum-link.ts';
import { packet, proposal } from '../messages.ts';
import { QuorumError } from '../quorum-error.ts';
import type { ZabParts } from '../zab-parts.ts';
import { planSync, type SyncPlan } from './sync-plan.ts';
import type { SyncWay } from './sync-throttle.ts';

/** From the log on disk no more than this is read ahead of what the learner takes. */
const maxUnsentBytes = 4 << 20;
const pauseMs = 2;
/** How often it is seen whether the state can be frozen again. */
const freezePauseMs = 20;
/** How often the log on disk is asked again for what left the window meanwhile. */
const maxLogReads = 4;

export interface SynchronizationParts extends Pick<ZabParts, 'history' | 'after'> {
	readonly link: QuorumLink;
	/** The last transaction that the learner has. */
	readonly learnerLastZxid: Zxid;
	/** Up to here it is brought; what is committed by now. */
	readonly upTo: Zxid;
	/** Whether the log on disk may be used. */
	readonly useLog: boolean;
	readonly forceSnapshot: boolean;
	/** Whether a COMMIT commits all in front of it, too. */
	readonly takesBatches: boolean;
}

export interface SynchronizationEvents {
	/** Once, before anything is sent. @throws TooManySyncs when it may not begin */
	begins(way: SyncWay): void;
	/** Once, unless it fails or is stopped. The learner has everything up to `zxid`. Perhaps from inside start(). */
	done(zxid: Zxid): void;
	failed(error: unknown): void;
	/** The learner took some of it. */
	progressed(): void;
}

export class Synchronization {
	readonly #parts: SynchronizationParts;
	readonly #events: SynchronizationEvents;
	#isStopped = false;
	/** What it is called in status words. */
	kind: SyncPlan['kind'] = 'diff';

	constructor(parts: SynchronizationParts, events: SynchronizationEvents) {
		this.#parts = parts;
		this.#events = events;
	}

	/** The link is closed: nothing more is read. */
	stop(): void {
		this.#isStopped = true;
	}

	start(): void {
		const { history, learnerLastZxid, useLog, forceSnapshot } = this.#parts;
		const plan = forceSnapshot ? ({ kind: 'snap' } as const) : planSync(history, learnerLastZxid);
		this.kind = plan.kind;
		switch (plan.kind) {
			case 'diff':
			case 'trunc': {
				const type = plan.kind === 'diff' ? packetType.diff : packetType.trunc;
				this.#events.begins('diff');
				this.#parts.link.send(packet(type, plan.zxid));
				this.#sendCommitted(history.window.after(plan.after));
				this.#events.done(this.#parts.upTo);
				return;
			}
			case 'log':
				if (useLog) void this.#fromLog(plan.zxid, plan.after);
				else this.#beginSnapshot();
				return;
			case 'snap':
				this.#beginSnapshot();
				return;
			default:
				plan satisfies never;
		}
	}

	#sendCommitted(records: readonly TxnRecord[]): void {
		const { link, takesBatches } = this.#parts;
		for (const [index, record] of records.entries()) {
			link.send(proposal(record));
			if (!takesBatches || index === records.length - 1) link.send(packet(packetType.commit, record.header.zxid));
		}
	}

	/**
	 * The log is asked for the transaction that the learner has last, too: what is not there is of a leader that did not get a quorum for it, and only a
	 * snapshot takes it away.
	 */
	async #fromLog(zxid: Zxid, learnerLastZxid: Zxid): Promise<void> {
		const { history, upTo } = this.#parts;
		let sent = learnerLastZxid;
		let isFirst = counterOf(learnerLastZxid) !== 0;
		let isDiffSent = false;
		try {
			for (let reads = 0; reads < maxLogReads && sent < history.window.minCommitted && sent < upTo; reads++) {
				const batches = history.recordsAfter(isFirst ? ((sent - 1) as Zxid) : sent);
				if (batches === null) break;
				for await (const batch of batches) {
					if (this.#isStopped) return;
					const wanted: TxnRecord[] = [];
					for (const record of batch) {
						if (record.header.zxid > upTo) break;
						if (isFirst && record.header.zxid !== learnerLastZxid) {
							this.#snapshotLater();
							return;
						}
						if (!isFirst) {
							if (!isContiguous(sent, record.header.zxid)) throw gap(sent, record.header.zxid);
							wanted.push(record);
							sent = record.header.zxid;
						}
						isFirst = false;
					}
					if (!isDiffSent && wanted.length > 0) {
						this.#beginDiff(zxid);
						isDiffSent = true;
					}
					this.#sendCommitted(wanted);
					this.#events.progressed();
					await this.#room();
				}
			}
			if (this.#isStopped) return;
			if (isFirst || (sent < history.window.minCommitted && sent < upTo)) {
				if (isDiffSent) throw gap(sent, upTo);
				this.#snapshotLater();
				return;
			}
			if (!isDiffSent) this.#beginDiff(zxid);
			this.#sendCommitted(history.window.after(sent).filter((record) => record.header.zxid <= upTo));
			this.#events.done(upTo);
		} catch (error) {
			if (!this.#isStopped) this.#events.failed(error);
		}
	}

	/** Until the learner has taken most of what was sent. */
	async #room(): Promise<void> {
		const { link, after } = this.#parts;
		while (!this.#isStopped && link.unsentBytes > maxUnsentBytes) {
			const before = link.unsentBytes;
			await new Promise<void>((resolve) => after(pauseMs, resolve));
			if (link.unsentBytes < before) this.#events.progressed();
		}
	}

	/** The snapshot may reach beyond `upTo` by now. */
	#snapshotLater(): void {
		this.kind = 'snap';
		this.#beginSnapshot();
	}

	#beginSnapshot(): void {
		this.#events.begins('snap');
		this.#snapshot();
	}

	#beginDiff(zxid: Zxid): void {
		this.#events.begins('diff');
		this.#parts.link.send(packet(packetType.diff, zxid));
	}

	#snapshot(): void {
		const { history, link, after } = this.#parts;
		const frozen = history.freeze();
		if (frozen === null) {
			// Others get one, or one is being written: this learner is next.
			this.#events.progressed();
			after(freezePauseMs, () => this.#snapshotAgain());
			return;
		}
		try {
			link.send(packet(packetType.snap, frozen.zxid));
			link.sendStream(this.#watched(history.snapshotStream(frozen)), (error) => {
				frozen.release();
				if (this.#isStopped) return;
				if (error === undefined) this.#events.done(frozen.zxid);
				else this.#events.failed(error);
			});
		} catch (error) {
			frozen.release();
			throw error;
		}
	}

	#snapshotAgain(): void {
		if (this.#isStopped) return;
		try {
			this.#snapshot();
		} catch (error) {
			this.#events.failed(error);
		}
	}

	*#watched(chunks: Iterator<Uint8Array>): Generator<Uint8Array, void> {
		for (let chunk = chunks.next(); chunk.done !== true; chunk = chunks.next()) {
			this.#events.progressed();
			yield chunk.value;
		}
	}
}

function gap(sent: Zxid, next: Zxid): QuorumError {
	return new QuorumError(
		`the log on disk has a gap between 0x${sent.toString(16)} and 0x${next.toString(16)}: the learner gets a snapshot next time`,
	);
}
