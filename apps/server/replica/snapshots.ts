/** When a snapshot is due, and that there is one at a time. The log rolls with each, so that a purge can remove what lies before. */
import type { Host } from '#core/host/host';
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { Random } from '#core/ports/clock';
import type { SnapshotInfo, SnapshotStore } from '#core/ports/snapshot-store';
import type { Logger } from '#telemetry/logger';
import type { CommitGate } from './commit-gate.ts';

export interface SnapshotsOptions {
	readonly snapCount: number;
	/** 0 or less: the size of the log is no reason. */
	readonly snapSizeLimitBytes: number;
	/** Transactions that recovery had to read behind its snapshot. */
	readonly txnsBehind: number;
}

export class Snapshots {
	last: SnapshotInfo | undefined;
	/** Of the last attempt, when it failed. */
	lastError: Error | undefined;
	#txnsAtLast: number;
	#bytesAtLast = 0;
	#dueTxns = 0;
	#dueBytes = 0;
	#running: Promise<SnapshotInfo> | undefined;

	constructor(
		private readonly host: Host,
		private readonly log: CommitGate,
		private readonly store: SnapshotStore,
		private readonly options: SnapshotsOptions,
		private readonly random: Random,
		private readonly logger: Logger,
		private readonly onWritten: (info: SnapshotInfo) => void,
	) {
		this.#txnsAtLast = -options.txnsBehind;
		this.#draw();
	}

	/** After each batch that was applied. */
	applied(): void {
		if (this.#running !== undefined) return;
		const { txns, bytes } = this.log;
		if (txns - this.#txnsAtLast < this.#dueTxns && bytes - this.#bytesAtLast < this.#dueBytes) return;
		this.take().catch(() => undefined);
	}

	/** One that is under way is waited for first: it may have begun too early for the caller. */
	async take(): Promise<SnapshotInfo> {
		while (this.#running !== undefined) await this.#running.catch(() => undefined);
		this.#running = this.#write();
		try {
			return await this.#running;
		} finally {
			this.#running = undefined;
		}
	}

	/** Waits for the one under way. */
	async settled(): Promise<void> {
		await this.#running?.catch(() => undefined);
	}

	async #write(): Promise<SnapshotInfo> {
		this.#txnsAtLast = this.log.txns;
		this.#bytesAtLast = this.log.bytes;
		this.#draw();
		this.log.roll();
		const frozen = this.host.snapshotPoint();
		try {
			const info = await this.store.write(frozen);
			this.last = info;
			this.lastError = undefined;
			this.logger.info(
				{ zxid: formatZxid(info.zxid as Zxid), bytes: info.bytes, durationMs: Math.round(info.durationMs) },
				'snapshot written',
			);
			this.onWritten(info);
			return info;
		} catch (error) {
			this.lastError = error as Error;
			this.logger.error({ err: error }, 'the snapshot could not be written; the log has everything');
			throw error;
		} finally {
			frozen.release();
		}
	}

	/** So that the replicas of an ensemble do not all write at once, a number from half of the setting up is drawn. */
	#draw(): void {
		const { snapCount, snapSizeLimitBytes } = this.options;
		this.#dueTxns = Math.floor(snapCount / 2) + 1 + Math.floor(this.random.next() * (snapCount / 2));
		this.#dueBytes =
			snapSizeLimitBytes <= 0
				? Number.POSITIVE_INFINITY
				: snapSizeLimitBytes / 2 + this.random.next() * (snapSizeLimitBytes / 2);
	}
}
