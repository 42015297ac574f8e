/** One standalone replica over a virtual clock and a disk in memory: the real host and everything below it. */
import { type ChainOptions, defaultChainOptions } from '#core/chain/options';
import { Host } from '#core/host/host';
import type { HostEvents } from '#core/host/host-parts';
import { MirrorHold, type MirrorHoldParts } from '#core/host/mirror-hold';
import { epochOf, nextZxid, noSession, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import type { Tracer } from '#core/ports/tracer';
import { DataTree } from '#core/tree/data-tree';
import { digestVersion } from '#core/tree/digest';
import type { Txn } from '#jute/txn';
import { SimDisk, SimLog } from './sim-log.ts';
import { VirtualClock, VirtualSchedule } from './virtual-time.ts';

const silent: Tracer = { stage: () => {}, batch: () => {} };

export interface SimReplicaOptions {
	readonly options?: Partial<ChainOptions>;
	readonly events?: HostEvents;
	readonly tracer?: Tracer;
	/** Where the history stands before the first transaction. */
	readonly lastZxid?: Zxid;
	readonly epoch?: number;
	/** Of an ensemble: it has no leader when it starts. */
	readonly isMember?: boolean;
	/** audit.mode=strict, with a mirror that is told what it may write. */
	readonly strict?: Omit<MirrorHoldParts, 'clock'>;
}

export class SimReplica {
	readonly clock = new VirtualClock(1_700_000_000_000);
	readonly disk = new SimDisk();
	readonly #settings: SimReplicaOptions;
	#schedule = new VirtualSchedule();
	#log: SimLog;
	#host: Host;

	constructor(settings: SimReplicaOptions = {}) {
		this.#settings = settings;
		this.#log = new SimLog(this.disk);
		this.#host = this.#start();
	}

	get host(): Host {
		return this.#host;
	}

	get log(): SimLog {
		return this.#log;
	}

	/** Runs the turns that are scheduled; nothing becomes durable. */
	run(): void {
		this.#schedule.run();
	}

	/** Runs until nothing is left to do, the disk included. */
	settle(): void {
		do {
			this.#schedule.run();
			this.#log.sync();
		} while (this.#schedule.pending > 0 || this.disk.unsynced > 0);
	}

	/** Lets time pass, tick by tick, with everything that is due. */
	advance(ms: number, settle = true): void {
		const end = this.clock.monotonicMs() + ms;
		const step = 100;
		while (this.clock.monotonicMs() < end) {
			this.clock.advance(Math.min(step, end - this.clock.monotonicMs()));
			this.#host.tick();
			if (settle) this.settle();
			else this.run();
		}
	}

	/** The power is cut and comes back: recovery replays what the disk has. */
	crash(kept = 0): void {
		this.disk.cutPower(kept);
		this.#schedule = new VirtualSchedule();
		this.#log = new SimLog(this.disk);
		this.#host = this.#start();
	}

	/** A transaction that a long past left in the log, however prep would judge it now; the replica starts again from there. */
	inject(txn: Txn): void {
		this.settle();
		const { tree } = this.#replay();
		const header = { sessionId: noSession, cxid: 0, zxid: nextZxid(tree.lastProcessedZxid), time: this.clock.now() };
		tree.apply({ header, txn });
		this.#log.append([{ header, txn, digest: { version: digestVersion, value: tree.digest() }, context: null }]);
		this.disk.synced = this.disk.records.length;
		this.crash();
	}

	#replay(): { readonly tree: DataTree; readonly sessions: Map<SessionId, number> } {
		const tree = new DataTree();
		const sessions = new Map<SessionId, number>();
		tree.lastProcessedZxid = this.#settings.lastZxid ?? zeroZxid;
		for (const record of this.disk.read()) {
			tree.apply(record);
			if (tree.digest() !== record.digest?.value) throw new Error(`replay: digest differs at ${record.header.zxid}`);
			if (record.txn.kind === 'createSession') sessions.set(record.header.sessionId, record.txn.timeoutMs);
			if (record.txn.kind === 'closeSession') sessions.delete(record.header.sessionId);
		}
		return { tree, sessions };
	}

	#start(): Host {
		const { tree, sessions } = this.#replay();
		const { strict } = this.#settings;
		const host = new Host({
			tree,
			sessions,
			lastZxid: tree.lastProcessedZxid,
			epoch: this.#settings.epoch ?? epochOf(tree.lastProcessedZxid),
			log: this.#log,
			clock: this.clock,
			tracer: this.#settings.tracer ?? silent,
			schedule: this.#schedule.schedule,
			serverId: 1,
			options: { ...defaultChainOptions, ...this.#settings.options },
			isMember: this.#settings.isMember ?? false,
			hold: strict && new MirrorHold({ ...strict, clock: this.clock }),
			...(this.#settings.events === undefined ? {} : { events: this.#settings.events }),
		});
		this.#log.listen(host);
		return host;
	}
}
