/** Compares the sessions with what the transactions and the bases make of them. */
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { SessionId } from '#jute/scalars';
import { type Findings, sessionKey } from './findings.ts';
import { int4, isSame, type Row, signed8, unsigned8, zxidOf } from './rows.ts';
import { columnOf } from './tables.ts';

const s = {
	session: columnOf('session', 'session'),
	openedZxid: columnOf('session', 'opened_zxid'),
	opened: columnOf('session', 'opened'),
	timeoutMs: columnOf('session', 'timeout_ms'),
	closedZxid: columnOf('session', 'closed_zxid'),
	closed: columnOf('session', 'closed'),
	principal: columnOf('session', 'principal'),
	address: columnOf('session', 'address'),
};
const t = {
	time: columnOf('txn', 'time'),
	session: columnOf('txn', 'session'),
	principal: columnOf('txn', 'principal'),
	address: columnOf('txn', 'address'),
};

export function timeoutOf(row: Row): number {
	return int4(row[s.timeoutMs]!);
}

export function isSessionOf(row: Row, id: bigint): boolean {
	return unsigned8(row[s.session]!) === BigInt.asUintN(64, id);
}

export class Sessions {
	readonly #open = new Map<bigint, Row>();
	readonly #findings: Findings;

	constructor(findings: Findings) {
		this.#findings = findings;
	}

	/** With their timeouts. */
	get open(): Map<SessionId, number> {
		return new Map([...this.#open].map(([id, row]) => [id as SessionId, int4(row[s.timeoutMs]!)]));
	}

	/** One that was open where a part of the history begins. */
	take(row: Row): void {
		this.#open.set(unsigned8(row[s.session]!), row);
	}

	/** @param txn a createSession */
	opened(zxid: Zxid, txn: Row, rows: readonly Row[], timeoutMs: number | undefined): void {
		const id = unsigned8(txn[t.session]!);
		this.closed(zxid, id, txn[t.time]!);
		const row = rows.find((it) => isSessionOf(it, id));
		for (const other of rows) if (other !== row) this.#unexpected(other, zxid);
		if (row === undefined) {
			this.#findings.add('session', sessionKey(id, zxid), zxid, 'the session is missing');
			return;
		}
		const different = [
			...(isSame(row[s.opened]!, txn[t.time]!) ? [] : ['opened']),
			...(timeoutMs === undefined || int4(row[s.timeoutMs]!) === timeoutMs ? [] : ['timeout_ms']),
			...(isSame(row[s.principal]!, txn[t.principal]!) ? [] : ['principal']),
			...(isSame(row[s.address]!, txn[t.address]!) ? [] : ['address']),
		];
		if (different.length > 0) this.#wrong(row, zxid, `${different.join(', ')}: not what its createSession says`);
		this.#open.set(id, row);
	}

	/** @param time null: nobody knows */
	closed(zxid: Zxid, id: bigint, time: Buffer | null): void {
		const row = this.#open.get(BigInt.asUintN(64, id));
		if (row === undefined) return;
		this.#open.delete(BigInt.asUintN(64, id));
		const said = row[s.closedZxid] === null ? null : zxidOf(row[s.closedZxid]!);
		if (said === zxid && isSame(row[s.closed]!, time)) return;
		const says = said === null ? 'it is said to be open' : `it is said to have been closed by ${formatZxid(said)}`;
		this.#wrong(
			row,
			zxid,
			said === zxid ? 'closed: not when its closeSession was' : `${says}, and was closed by ${formatZxid(zxid)}`,
		);
	}

	/** The sessions of a base: those that were not open before have a row of it, those that are not in it are closed. */
	base(zxid: Zxid, sessions: ReadonlyMap<bigint, number>, rows: readonly Row[], isPruned: boolean): void {
		for (const id of [...this.#open.keys()]) if (!sessions.has(id)) this.closed(zxid, id, null);
		const found = new Map(rows.map((row) => [unsigned8(row[s.session]!), row]));
		for (const [id, timeoutMs] of sessions) {
			const row = found.get(id);
			found.delete(id);
			if (this.#open.has(id)) {
				if (row !== undefined) this.#unexpected(row, zxid);
				continue;
			}
			if (row === undefined) {
				this.#findings.add('session', sessionKey(id, zxid), zxid, 'the session is missing');
				continue;
			}
			this.#open.set(id, row);
			if (isPruned) {
				if (int4(row[s.timeoutMs]!) !== timeoutMs) this.#wrong(row, zxid, 'timeout_ms: not what the base says');
				continue;
			}
			const isNamed = row[s.principal] !== null || row[s.address] !== null;
			if (row[s.opened] === null && !isNamed && int4(row[s.timeoutMs]!) === timeoutMs) continue;
			this.#wrong(row, zxid, 'not what the base says');
		}
		for (const row of found.values()) this.#unexpected(row, zxid);
	}

	/** Rows that begin where no session was opened. */
	none(rows: readonly Row[], zxid: Zxid): void {
		for (const row of rows) this.#unexpected(row, zxid);
	}

	finish(last: Zxid, isWhole: boolean): void {
		for (const row of this.#open.values()) {
			const closed = row[s.closedZxid] === null ? null : zxidOf(row[s.closedZxid]!);
			if (closed === null ? row[s.closed] === null : !isWhole && closed > last) continue;
			this.#wrong(row, null, 'it is said to be closed, and is open');
		}
	}

	#unexpected(row: Row, zxid: Zxid): void {
		this.#wrong(row, zxid, 'no session was opened there');
	}

	#wrong(row: Row, zxid: Zxid | null, problem: string): void {
		const key = sessionKey(signed8(row[s.session]!), zxidOf(row[s.openedZxid]!));
		this.#findings.add('session', key, zxid, problem);
	}
}

export function openedOf(row: Row): number {
	return zxidOf(row[s.openedZxid]!);
}

/** Whether it was open right behind a zxid that it was opened at or before. */
export function wasOpenAt(row: Row, zxid: Zxid): boolean {
	return zxidOf(row[s.openedZxid]!) <= zxid && (row[s.closedZxid] === null || zxidOf(row[s.closedZxid]!) > zxid);
}
