/**
 * What sessions wrote, out of the log on disk: it has each transaction with its session and cxid, those that failed too. The log is read once for all who ask at the same time, from the
 * oldest zxid that one of them names to what is applied, in slices of a few milliseconds with turns of the event loop between them.
 */
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { readAuditContext } from '#core/model/audit-context';
import type { TxnRecord } from '#core/model/txn-record';
import { counterOf, isContiguous, nextZxid, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import type { DataDirectory } from '#storage/data-directory';
import { LogTail } from '#storage/history-reader';
import { logsFrom } from '#storage/log-sequence';
import type { Logger } from '#telemetry/logger';
import { type FirstResult, firstResultOf } from './first-result.ts';
import { isOperationId } from './operation-id.ts';

export interface SessionLogParts {
	readonly directory: DataDirectory;
	/** What of the applied transactions is in the log on disk for sure. */
	readonly lastDurable: () => Zxid;
	/** What is read is committed, and stays so. */
	readonly isServing: () => boolean;
	readonly logger: Logger;
}

/** What a session wrote behind a zxid, by cxid. */
export interface SessionWrites {
	readonly results: Map<number, FirstResult>;
	/** False when transactions may be missing. */
	readonly isComplete: boolean;
}

interface Wanted {
	readonly sessionId: SessionId;
	readonly after: Zxid;
	readonly through: Zxid;
	readonly results: Map<number, FirstResult>;
	/** Operations in them. */
	size: number;
	readonly settle: (writes: SessionWrites) => void;
}

const sliceMs = 4;
/** Of log that is passed over before others run. */
const passedBytes = 1 << 22;
/** Of one session: more than a client can have under way, and a bound for what it makes this replica keep. */
const mostOps = 100_000;
/** How long the own disk may be behind what the others have committed. */
const diskPatienceMs = 10_000;
const diskPauseMs = 2;

export class SessionLog {
	readonly #parts: SessionLogParts;
	#waiting: Wanted[] = [];
	#isReading = false;

	constructor(parts: SessionLogParts) {
		this.#parts = parts;
	}

	/** What this session wrote behind `after`, up to `through`, which is applied. */
	find(sessionId: SessionId, after: Zxid, through: Zxid): Promise<SessionWrites> {
		return new Promise((settle) => {
			this.#waiting.push({ sessionId, after, through, results: new Map(), size: 0, settle });
			if (!this.#isReading) void this.#rounds();
		});
	}

	async #rounds(): Promise<void> {
		this.#isReading = true;
		while (this.#waiting.length > 0) {
			// Who comes in the same turn reads along.
			await turn();
			const round = this.#waiting;
			this.#waiting = [];
			const from = Math.min(...round.map(({ after }) => after)) as Zxid;
			const through = Math.max(...round.map((wanted) => wanted.through)) as Zxid;
			const completeFrom = await this.#read(round, from, through);
			for (const { after, size, results, settle } of round)
				settle({ results, isComplete: completeFrom <= after && size <= mostOps });
		}
		this.#isReading = false;
	}

	/** @returns behind which zxid nothing of it is missing; infinity when the log is no help */
	async #read(round: readonly Wanted[], from: Zxid, through: Zxid): Promise<number> {
		if (from >= through) return from;
		let tail: LogTail | null = null;
		try {
			if (!(await this.#isOnDisk(through))) return Number.POSITIVE_INFINITY;
			const { directory } = this.#parts;
			const [first] = logsFrom(directory.logs(), nextZxid(from));
			if (first === undefined) return through;
			tail = new LogTail(directory.logDirectory, Math.min(from, first.zxid - 1) as Zxid);
			while (tail.pass(from, passedBytes)) await turn();
			return await this.#readOn(tail, round, { from, through, isLate: first.zxid > nextZxid(from) });
		} catch (error) {
			// Purged meanwhile, damaged, or a bug: whoever asks is told that nothing is known.
			const isPurged = (error as NodeJS.ErrnoException).code === 'ENOENT';
			if (!isPurged) this.#parts.logger.error({ err: error }, 'what sessions wrote cannot be looked up in the log');
			return Number.POSITIVE_INFINITY;
		} finally {
			tail?.close();
		}
	}

	/** @param range `isLate`: the log begins behind its first zxid */
	async #readOn(
		tail: LogTail,
		round: readonly Wanted[],
		{ from, through, isLate }: { readonly from: Zxid; readonly through: Zxid; readonly isLate: boolean },
	): Promise<number> {
		const wanted = Map.groupBy(round, ({ sessionId }) => sessionId);
		let completeFrom: Zxid = from;
		let last: Zxid | null = isLate ? null : tail.lastZxid;
		for (;;) {
			if (!this.#parts.isServing()) return Number.POSITIVE_INFINITY;
			const untilMs = performance.now() + sliceMs;
			while (performance.now() < untilMs) {
				const entry = tail.next(through);
				// A snapshot has what is applied and not in the log.
				if (entry === null) return tail.lastZxid === through ? completeFrom : through;
				const { record } = entry;
				const { zxid, sessionId } = record.header;
				if (last === null || zxid !== nextZxid(last)) {
					const known = this.#knownBefore(zxid, last, from);
					if (known > completeFrom) completeFrom = known;
				}
				last = zxid;
				for (const one of wanted.get(sessionId) ?? none) if (zxid > one.after) take(one, record);
			}
			await turn();
		}
	}

	/**
	 * Behind which zxid nothing is missing in front of this transaction (0: nothing at all), which does not follow the one before it by number: the end of an epoch may be in a snapshot only, of who took over
	 * another's state or lost what it had applied.
	 *
	 * @param last in the log in front of it; null: none
	 */
	#knownBefore(zxid: Zxid, last: Zxid | null, from: Zxid): Zxid {
		const base = last ?? from;
		const snapshot = this.#parts.directory.snapshots().findLast((one) => one.zxid >= base && one.zxid < zxid);
		const known = snapshot?.zxid ?? last;
		if (known === null || !isContiguous(known, zxid)) return (zxid - 1) as Zxid;
		if (known > base) return known;
		// The counter 0 of an epoch stands for all that was before it; any other zxid that was seen is missing here.
		return from <= known || counterOf(from) === 0 ? zeroZxid : ((zxid - 1) as Zxid);
	}

	/** A learner applies what is committed before its own disk has it. */
	async #isOnDisk(through: Zxid): Promise<boolean> {
		const untilMs = performance.now() + diskPatienceMs;
		while (this.#parts.lastDurable() < through) {
			if (performance.now() > untilMs || !this.#parts.isServing()) return false;
			await wait(diskPauseMs);
		}
		return true;
	}
}

const none: readonly Wanted[] = [];

/** The first one of a cxid: what stands behind it is the repetition of a client that does not know. */
function take(wanted: Wanted, record: TxnRecord): void {
	const { cxid } = record.header;
	const { results } = wanted;
	if (!isOperationId(cxid) || wanted.size > mostOps || results.has(cxid) || !isOfStreams(record)) return;
	const first = firstResultOf(record);
	if (first === undefined) return;
	wanted.size += first.ops.length;
	if (wanted.size <= mostOps) results.set(cxid, first);
}

/** The same session may be used at ZooKeeper's port, too, with numbers of its own. Who did it stands in the record, unless an Apache ZooKeeper leader made it. */
function isOfStreams({ context }: TxnRecord): boolean {
	const read = readAuditContext(context);
	return read === null || read instanceof Uint8Array || read.door === 'grpc';
}
