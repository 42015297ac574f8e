/**
 * Folds transactions into rows. A tree without data follows the log; what each transaction changed in it becomes rows of `change`
 * and `znode_version`. Nothing here knows PostgreSQL: the batches go to batch-writer.ts.
 *
 * Versions that are superseded within one batch are written with their end; only those that were valid before the batch need an
 * update, by path and zxid.
 */
import { hash } from 'node:crypto';
import type { TxnRecord } from '#core/model/txn-record';
import { epochOf, formatZxid, type Zxid } from '#core/model/zxid';
import type { DataTree, NodeRecord } from '#core/tree/data-tree';
import { statsName, statsPath } from '#core/tree/quota';
import type { SessionId } from '#jute/scalars';
import type { MultiTxn, SubTxn, Txn } from '#jute/txn';
import { aclRow } from './acl-rows.ts';
import { Batch, type HistoryPoint } from './batch.ts';
import { nodeFacts, noFacts, sessionFacts } from './facts.ts';
import { type WhoColumns, whoColumns } from './principal.ts';
import { nothingRedacted, type Redaction } from './redaction.ts';
import {
	type Change,
	parentOf,
	txnFields,
	type Version,
	writeChange,
	writeRedactedChange,
	writeVersion,
} from './rows.ts';
import { TouchedPaths } from './touched-paths.ts';

/** The tree that the log makes is not the tree that its leader had. */
export class DigestMismatch extends Error {
	override readonly name = 'DigestMismatch';
	readonly zxid: Zxid;

	constructor(zxid: Zxid, logged: bigint, computed: bigint) {
		super(
			`digest mismatch after zxid ${formatZxid(zxid)}: the log says ${logged}, the tree has ${computed}. ` +
				'Transactions before it are missing or altered; or an Apache ZooKeeper server wrote it whose JVM has another default charset than UTF-8 (a path is not ASCII). ' +
				'Compare with the other servers of the ensemble',
		);
		this.zxid = zxid;
	}
}

export interface FoldOptions {
	/** Goes on after a digest mismatch; each first one after a match becomes a row of `gap`. */
	readonly allowDigestMismatch?: boolean;
	/** Data that stay out of the rows. */
	readonly redaction?: Redaction;
}

export interface FoldStart {
	/** The tree right after `point.zxid`, with data or without. */
	readonly tree: DataTree;
	readonly point: HistoryPoint;
	/** The base snapshot that the history goes on from: nodes whose data are not newer have them there. */
	readonly baseZxid: Zxid;
	readonly openSessions: ReadonlyMap<SessionId, number>;
	readonly lastEpoch: number;
	/** Where the counters of quotas have their data. */
	readonly quotaZxids: ReadonlyMap<string, Zxid>;
}

type Mutation = Exclude<SubTxn, { kind: 'check' | 'error' }>;

export class HistoryFold {
	readonly #tree: DataTree;
	readonly #options: FoldOptions;
	readonly #baseZxid: Zxid;
	readonly #sessions: Map<SessionId, number>;
	readonly #quotaZxids: Map<string, Zxid>;
	#quotaCounts = new Map<string, string>();
	#epoch: number;
	#batch: Batch;
	#point: HistoryPoint;
	#mismatched = false;
	readonly #redaction: Redaction;
	/** Of the last transaction. The first one always begins a run of the clock: what was before it is not known here. */
	#timeMs = Number.POSITIVE_INFINITY;
	/** Nodes touched in this batch: their version now, null when they are gone. */
	#open = new Map<string, Version | null>();
	#openSessionRows = new Map<SessionId, Batch['sessions'][number]>();
	readonly #touched = new TouchedPaths();
	/** Nodes of the transaction under way that were not touched in this batch before it: when they last changed, as their Stat says it. */
	readonly #lastChanged = new Map<string, number>();
	/** Created by the transaction under way, as often as it has a change that says so. */
	#created: string[] = [];
	#scratch = Buffer.allocUnsafe(4096);

	constructor(start: FoldStart, options: FoldOptions = {}) {
		this.#tree = start.tree;
		this.#options = options;
		this.#redaction = options.redaction ?? nothingRedacted;
		this.#baseZxid = start.baseZxid;
		this.#sessions = new Map(start.openSessions);
		this.#quotaZxids = new Map(start.quotaZxids);
		for (const path of this.#quotaZxids.keys()) this.#quotaCounts.set(path, this.#count(path));
		this.#epoch = start.lastEpoch;
		this.#point = start.point;
		this.#batch = new Batch(start.point);
	}

	get zxid(): Zxid | null {
		return this.#point.zxid;
	}

	/** What the batch being filled takes up. */
	get pendingBytes(): number {
		return this.#batch.bytes;
	}

	get pendingTxns(): number {
		return this.#batch.txnCount;
	}

	/** Transactions come in order; the caller has checked that there is no hole. */
	apply(record: TxnRecord): void {
		const { header, txn } = record;
		const { zxid } = header;
		this.#created = [];
		const before = this.#before(txn, header.sessionId);
		this.#noteLastChanged(txn, before);
		const touched = this.#touched;
		touched.clear();
		const result = this.#tree.apply(record, touched);
		const changes = this.#batch.changes;
		const changesFrom = changes.position;
		const redactedFrom = this.#batch.redactedChanges.position;
		const ordinals = this.#writeChanges(record, before, result.results?.map((it) => it.error) ?? [result.error]);
		this.#writeQuotaChanges(zxid, ordinals);
		for (let i = 0; i < touched.count; i++) this.#touch(touched.paths[i]!, zxid, !touched.created[i]);
		const who = whoColumns(record.context);
		this.#noteSession(record, who);
		this.#noteEpoch(zxid, header.time);
		this.#checkDigest(record);
		this.#noteTime(zxid, header.time);
		const changed = [changes.since(changesFrom), this.#batch.redactedChanges.since(redactedFrom)] as const;
		this.#writeTxn(record, result.error, who, changed);
		const { traceparent } = who;
		if (traceparent === null) return;
		this.#batch.addSampled({ traceparent, zxid, op: txn.kind, error: result.error }, header.time);
	}

	/** The batch that was filled since the last call. It must be written before the next one. */
	takeBatch(): Batch {
		const batch = this.#batch;
		// In the order of the indexes: neighbours share their pages.
		for (const path of [...this.#open.keys()].sort()) {
			const version = this.#open.get(path)!;
			if (version !== null) writeVersion(batch.versions, version, null);
		}
		batch.to = this.#point;
		this.#open = new Map();
		this.#openSessionRows = new Map();
		this.#batch = new Batch(this.#point, batch);
		return batch;
	}

	#writeTxn({ header, txn, digest }: TxnRecord, error: number, who: WhoColumns, changed: readonly Buffer[]): void {
		const rows = this.#batch.txns;
		rows.beginRow(txnFields);
		const from = rows.position;
		rows.int8(header.zxid);
		rows.int4(epochOf(header.zxid));
		rows.time(header.time);
		rows.big8(header.sessionId);
		rows.int4(header.cxid);
		rows.text(txn.kind);
		rows.text('path' in txn ? txn.path : null);
		rows.int4(error);
		if (digest === null) rows.null();
		else rows.big8(digest.value);
		rows.text(who.principal);
		rows.text(who.address);
		rows.text(who.door);
		rows.text(who.requestId);
		rows.text(who.traceId);
		rows.bytea(who.context);
		const facts = this.#facts(header.zxid, txn);
		const chained = this.#chain([rows.since(from), ...changed, facts]);
		rows.bytea(chained);
		this.#point = { zxid: header.zxid, digest: this.#tree.digest(), hash: chained };
	}

	/**
	 * SHA-256 of the hash before, the fields of the transaction's row and the rows of its changes, as COPY has them (those with redacted data behind the
	 * others), and its facts.
	 */
	#chain(parts: readonly Buffer[]): Buffer {
		const previous = this.#point.hash;
		const length = parts.reduce((sum, part) => sum + part.length, previous.length);
		if (length > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(length * 2);
		let at = previous.copy(this.#scratch, 0);
		for (const part of parts) at += part.copy(this.#scratch, at);
		return hash('sha256', this.#scratch.subarray(0, length), 'buffer');
	}

	/** What the record says and no column of txn and change has. */
	#facts(zxid: Zxid, txn: Txn): Buffer {
		if (txn.kind === 'createSession') return sessionFacts(txn.timeoutMs);
		if (this.#created.length === 0) return noFacts;
		const statNow = (path: string) => {
			const version = this.#open.get(path);
			return version?.from === zxid ? version.node.stat : undefined;
		};
		return nodeFacts(this.#created, {
			owner: (path) => statNow(path)?.ephemeralOwner,
			cversion: (path) => statNow(path)?.cversion,
		});
	}

	/** Sizes and versions as they are before the transaction, of the nodes that it deletes or sets. */
	#before(txn: Txn, sessionId: SessionId): Map<string, NodeRecord> | null {
		switch (txn.kind) {
			case 'setData':
			case 'reconfig':
			case 'delete':
			case 'deleteContainer':
			case 'setACL':
				return this.#nodes([txn.path]);
			case 'multi':
				return this.#nodes(mutations(txn).map((op) => op.path));
			case 'closeSession':
				return this.#nodes([...(txn.paths ?? []), ...this.#tree.ephemeralsOf(sessionId)]);
			default:
				return null;
		}
	}

	/** A Stat does not say when an ACL or the counter of a quota changed, nor where a prune has cut: who writes looks those up. */
	#noteLastChanged(txn: Txn, before: Map<string, NodeRecord> | null): void {
		this.#lastChanged.clear();
		for (const [path, node] of before ?? []) this.#noteNode(path, node);
		if (txn.kind === 'closeSession') for (const path of before!.keys()) this.#noteParent(path);
		for (const { kind, path } of txn.kind === 'multi' ? mutations(txn) : isMutation(txn) ? [txn] : []) {
			if (kind !== 'setData' && kind !== 'setACL') this.#noteParent(path);
		}
	}

	#noteParent(path: string): void {
		const parent = parentOf(path);
		if (parent === null || this.#open.has(parent) || this.#lastChanged.has(parent)) return;
		const node = this.#tree.node(parent);
		if (node !== undefined) this.#noteNode(parent, node);
	}

	#noteNode(path: string, { stat }: NodeRecord): void {
		if (!this.#open.has(path)) {
			this.#lastChanged.set(path, Math.max(stat.czxid, stat.mzxid, stat.pzxid, this.#baseZxid));
		}
	}

	#nodes(paths: readonly string[]): Map<string, NodeRecord> {
		const nodes = new Map<string, NodeRecord>();
		for (const path of paths) {
			if (nodes.has(path)) continue;
			const node = this.#open.get(path)?.node ?? this.#tree.node(path);
			if (node !== undefined) nodes.set(path, node);
		}
		return nodes;
	}

	/** Returns how many there were. */
	#writeChanges({ header, txn }: TxnRecord, before: Map<string, NodeRecord> | null, codes: readonly number[]): number {
		const { zxid } = header;
		if (txn.kind === 'closeSession') {
			let ordinal = 0;
			for (const node of before!.values()) {
				this.#writeChange(zxid, ordinal++, deletion('delete', node.path, node.dataLength, node.stat.version));
			}
			return ordinal;
		}
		if (txn.kind === 'multi') return this.#writeMultiChanges(zxid, txn, before!, codes);
		if (!isMutation(txn) || codes[0] !== 0) return 0;
		const node = before?.get(txn.path);
		this.#writeChange(zxid, 0, this.#change(txn, node?.dataLength ?? null, node?.stat.version ?? 0));
		return 1;
	}

	#writeChange(zxid: Zxid, ordinal: number, change: Change): void {
		const { changes, redactedChanges } = this.#batch;
		const { path, data } = change;
		if (this.#redaction.hides(path, data)) writeRedactedChange(redactedChanges, zxid, ordinal, change, data);
		else writeChange(changes, zxid, ordinal, change);
	}

	/** Operations of a multi see what those before them did. */
	#writeMultiChanges(zxid: Zxid, txn: MultiTxn, before: Map<string, NodeRecord>, codes: readonly number[]): number {
		if (txn.ops.some((op) => op.kind === 'error')) return 0;
		const sizes = new Map<string, { size: number; version: number } | null>();
		let ordinal = 0;
		for (const [i, op] of txn.ops.entries()) {
			if (!isMutation(op) || codes[i] !== 0) continue;
			let now = sizes.get(op.path);
			if (now === undefined) {
				const node = before.get(op.path);
				now = node === undefined ? null : { size: node.dataLength, version: node.stat.version };
			}
			const change = this.#change(op, now?.size ?? null, now?.version ?? 0);
			this.#writeChange(zxid, ordinal++, change);
			if (op.kind === 'delete' || op.kind === 'deleteContainer') sizes.set(op.path, null);
			else if (change.sizeAfter !== null) sizes.set(op.path, { size: change.sizeAfter, version: change.version ?? 0 });
		}
		return ordinal;
	}

	#change(op: Mutation, sizeBefore: number | null, version: number): Change {
		switch (op.kind) {
			case 'delete':
			case 'deleteContainer':
				return deletion(op.kind, op.path, sizeBefore, version);
			case 'setACL':
				this.#useAcl(op.acl);
				return {
					type: op.kind,
					path: op.path,
					sizeBefore,
					sizeAfter: null,
					version: op.version,
					acl: op.acl,
					data: null,
				};
			case 'setData':
			case 'reconfig':
				return {
					type: op.kind,
					path: op.path,
					sizeBefore,
					sizeAfter: op.data?.length ?? 0,
					version: op.version,
					acl: null,
					data: op.data,
				};
			default:
				this.#useAcl(op.acl);
				this.#created.push(op.path);
				return {
					type: op.kind,
					path: op.path,
					sizeBefore: null,
					sizeAfter: op.data?.length ?? 0,
					version: 0,
					acl: op.acl,
					data: op.data,
				};
		}
	}

	/** The counters of a quota change with what lies under it, without a transaction of their own (semantics 83). */
	#writeQuotaChanges(zxid: Zxid, ordinals: number): void {
		const touched = this.#touched;
		let ordinal = ordinals;
		for (let i = 0, own = touched.count; i < own; i++) {
			const path = touched.paths[i]!;
			const counter = path.endsWith(statsName) ? path : this.#counterOf(path);
			if (counter === null) continue;
			const data = this.#tree.data(counter);
			if (data === undefined || data === null) {
				this.#quotaZxids.delete(counter);
				this.#quotaCounts.delete(counter);
				continue;
			}
			const count = this.#count(counter);
			if (this.#quotaCounts.get(counter) === count) continue;
			writeChange(this.#batch.changes, zxid, ordinal++, {
				type: 'quota',
				path: counter,
				sizeBefore: this.#quotaCounts.get(counter)?.length ?? null,
				sizeAfter: data.length,
				version: null,
				acl: null,
				data,
			});
			this.#quotaCounts.set(counter, count);
			this.#quotaZxids.set(counter, zxid);
			touched.add(counter, false);
		}
	}

	#counterOf(path: string): string | null {
		const prefix = this.#tree.quotaPrefix(path);
		return prefix === null ? null : statsPath(prefix);
	}

	#count(path: string): string {
		return Buffer.from(this.#tree.data(path) ?? []).toString('latin1');
	}

	#touch(path: string, zxid: Zxid, existed: boolean): void {
		const batch = this.#batch;
		const open = this.#open.get(path);
		if (open === undefined) {
			if (existed) {
				batch.endedPaths.push(path);
				batch.endedZxids.push(zxid);
				batch.endedFroms.push(this.#lastChanged.get(path) ?? -1);
			}
		} else if (open !== null) {
			writeVersion(batch.versions, open, zxid);
		}
		const node = this.#tree.node(path);
		if (node === undefined) {
			this.#open.set(path, null);
			return;
		}
		this.#useAcl(node.acl);
		this.#open.set(path, { from: zxid, node, dataZxid: this.#dataZxid(path, node.stat.mzxid) });
	}

	#dataZxid(path: string, mzxid: Zxid): Zxid {
		if (this.#quotaZxids.size > 0) {
			const counted = this.#quotaZxids.get(path);
			if (counted !== undefined) return counted;
		}
		return mzxid > this.#baseZxid ? mzxid : this.#baseZxid;
	}

	#useAcl(acl: NodeRecord['acl']): void {
		const { id, json } = aclRow(acl);
		if (!this.#batch.acls.has(id)) this.#batch.acls.set(id, json);
	}

	#noteSession({ header, txn }: TxnRecord, who: WhoColumns): void {
		if (txn.kind !== 'createSession' && txn.kind !== 'closeSession') return;
		const { sessionId: session, zxid, time } = header;
		if (this.#sessions.has(session)) {
			const row = this.#openSessionRows.get(session);
			if (row !== undefined) row.closed = { zxid, ms: time };
			else this.#batch.closedSessions.push({ session, zxid, ms: time });
			this.#sessions.delete(session);
			this.#openSessionRows.delete(session);
		}
		if (txn.kind === 'closeSession') return;
		const { principal, address } = who;
		const { timeoutMs } = txn;
		const row = { session, openedZxid: zxid, openedMs: time, timeoutMs, principal, address, closed: null };
		this.#batch.sessions.push(row);
		this.#openSessionRows.set(session, row);
		this.#sessions.set(session, timeoutMs);
	}

	/** Where the clock went backwards: see zxid_at() in SQL. */
	#noteTime(zxid: Zxid, timeMs: number): void {
		if (timeMs < this.#timeMs) this.#batch.clockRuns.push({ firstZxid: zxid, beganMs: timeMs });
		this.#timeMs = timeMs;
	}

	#noteEpoch(zxid: Zxid, time: number): void {
		const epoch = epochOf(zxid);
		if (epoch === this.#epoch) return;
		this.#epoch = epoch;
		this.#batch.epochs.push({ epoch, firstZxid: zxid, beganMs: time });
	}

	#checkDigest({ header, digest }: TxnRecord): void {
		if (digest === null || digest.version !== 2) return;
		const computed = this.#tree.digest();
		if (computed === digest.value) {
			this.#mismatched = false;
			return;
		}
		const mismatch = new DigestMismatch(header.zxid, digest.value, computed);
		if (this.#options.allowDigestMismatch !== true) throw mismatch;
		if (this.#mismatched) return;
		this.#mismatched = true;
		const afterZxid = (header.zxid - 1) as Zxid;
		const reason = `${mismatch.message}. The operator let it pass`;
		this.#batch.gaps.push({ afterZxid, throughZxid: header.zxid, kind: 'mismatch', reason });
	}
}

function isMutation(txn: Txn): txn is Mutation {
	switch (txn.kind) {
		case 'check':
		case 'error':
		case 'multi':
		case 'createSession':
		case 'closeSession':
			return false;
		default:
			return true;
	}
}

function mutations(txn: MultiTxn): Mutation[] {
	return txn.ops.filter((op) => isMutation(op));
}

function deletion(type: string, path: string, sizeBefore: number | null, version: number): Change {
	return { type, path, sizeBefore, sizeAfter: null, version, acl: null, data: null };
}
