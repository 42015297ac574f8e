/** A member's log and storage with word of what becomes of the log: which transaction follows which one in it. */
import type { TxnRecord } from '#core/model/txn-record';
import type { Zxid } from '#core/model/zxid';
import type { ReplicaStorage } from '#core/ports/replica-storage';
import type { TxnLog } from '#core/ports/txn-log';
import type { CommittedHistory } from './checkers/committed-history.ts';

export class LogEnd {
	readonly #id: number;
	readonly #history: CommittedHistory;
	#last: Zxid;

	constructor(id: number, history: CommittedHistory, last: Zxid) {
		this.#id = id;
		this.#history = history;
		this.#last = last;
	}

	appended(records: readonly TxnRecord[]): void {
		for (const record of records) {
			this.#history.logged(this.#id, record, this.#last);
			this.#last = record.header.zxid;
		}
	}

	cut(zxid: Zxid): void {
		this.#last = this.#history.lastBefore(this.#last, zxid);
	}

	replaced(zxid: Zxid): void {
		this.#last = zxid;
	}
}

export function watchedLog(log: TxnLog, end: LogEnd): TxnLog {
	return {
		get pendingBytes() {
			return log.pendingBytes;
		},
		append: (records) => {
			end.appended(records);
			log.append(records);
		},
		roll: () => log.roll(),
		close: () => log.close(),
	};
}

export function watchedStorage(storage: ReplicaStorage, end: LogEnd): ReplicaStorage {
	return {
		get acceptedEpoch() {
			return storage.acceptedEpoch;
		},
		set acceptedEpoch(epoch) {
			storage.acceptedEpoch = epoch;
		},
		get currentEpoch() {
			return storage.currentEpoch;
		},
		set currentEpoch(epoch) {
			storage.currentEpoch = epoch;
		},
		recordsAfter: (zxid, upTo) => storage.recordsAfter(zxid, upTo),
		snapshotStream: (frozen) => storage.snapshotStream(frozen),
		receiveSnapshot: () => storage.receiveSnapshot(),
		truncateLog: async (zxid) => {
			await storage.truncateLog(zxid);
			end.cut(zxid);
		},
		reload: () => storage.reload(),
		install: async (state, zxid) => {
			await storage.install(state, zxid);
			end.replaced(zxid);
		},
	};
}
