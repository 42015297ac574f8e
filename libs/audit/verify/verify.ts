/**
 * `ck audit verify`: follows the hash chain and the ledger, checks the signatures of checkpoints, and makes the derived rows once more from the
 * transactions and changes, without any log: what was altered, added or removed in any table is found and named. Memory is needed for the tree without
 * its data, and for nothing that grows with the history.
 */
import { epochOf, formatZxid, isContiguous, type Zxid, zeroZxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { noHash } from '../batch.ts';
import { CopyRows } from '../copy-rows.ts';
import { HistoryFold } from '../fold.ts';
import { writeVersion } from '../rows.ts';
import { Acls } from './acls.ts';
import { nameAltered } from './altered.ts';
import { type Base, basesOf, type Gap, gapOf, isBase, nodeColumn, statOf } from './bases.ts';
import { Chain, changeOrdinal } from './chain.ts';
import { changeKey, Findings, txnKey } from './findings.ts';
import type { EpochRun, Verified, VerifyOptions } from './outcome.ts';
import { c, type Facts, recordOf } from './record.ts';
import {
	type HistoryRows,
	int4,
	isSame,
	type Row,
	RowStream,
	rowsWithin,
	signed8,
	text,
	unsigned8,
	zxidOf,
} from './rows.ts';
import { isSessionOf, openedOf, Sessions, timeoutOf } from './sessions.ts';
import { columnOf } from './tables.ts';
import { checkpointColumn, readBase, snapshotColumn, verifyLedger } from './verify-ledger.ts';
import { factsOfVersions, fromOf, Versions, versionColumn } from './versions.ts';

const t = {
	zxid: columnOf('txn', 'zxid'),
	epoch: columnOf('txn', 'epoch'),
	time: columnOf('txn', 'time'),
	type: columnOf('txn', 'type'),
	session: columnOf('txn', 'session'),
	digest: columnOf('txn', 'digest'),
	hash: columnOf('txn', 'hash'),
};
const lastOfAll = Number.MAX_SAFE_INTEGER as Zxid;
const progressTxns = 2_000;

export async function verify(rows: HistoryRows, options: VerifyOptions = {}): Promise<Verified> {
	return new Verification(rows, options).run();
}

class Verification {
	readonly #rows: HistoryRows;
	readonly #options: VerifyOptions;
	readonly #findings: Findings;
	readonly #versions: Versions;
	readonly #sessions: Sessions;
	#acls!: Acls;
	#fold: HistoryFold | null = null;
	#tree: DataTree | null = null;
	#chain: Chain | null = null;
	#lastZxid: Zxid | null = null;
	/** What lies up to here was pruned, or was not to be read. */
	#unread: Zxid = zeroZxid;
	/** What the next transaction must stand right behind. */
	#behind: Zxid | null = null;
	/** The cluster's digest less the one of the tree here. Not 0 behind a row that was altered. */
	#offset = 0n;
	#digests = 0;
	#withoutFacts = 0;
	#redactedFrom: Zxid | null = null;
	#changes = 0;
	#unsigned = 0;
	readonly #epochRuns: EpochRun[] = [];
	readonly #epochs = new Map<number, Row>();
	/** The last base. */
	#begunAt: Zxid = zeroZxid;
	/** Of changes without a transaction, in front of the next one. */
	#stray: Zxid | null = null;

	constructor(rows: HistoryRows, options: VerifyOptions) {
		this.#rows = rows;
		this.#options = options;
		this.#findings = new Findings(options.from ?? zeroZxid);
		this.#sessions = new Sessions(this.#findings);
		this.#versions = new Versions(this.#findings, (id) => this.#acls.idOf(id));
	}

	async run(): Promise<Verified> {
		const rows = this.#rows;
		const findings = this.#findings;
		const { from = zeroZxid, to = lastOfAll, keys = [], progress } = this.#options;
		this.#acls = new Acls(await rows.all('acl'), findings);
		const ledger = await verifyLedger(rows, keys, findings);
		const gaps = (await rows.all('gap')).map(gapOf);
		const bases = basesOf(await rows.all('snapshot'), gaps);
		for (const row of await rows.all('epoch')) this.#epochs.set(int4(row[0]!), row);
		const epochs = this.#epochs.size;
		const files = (await rows.all('snapshot')).filter((row) => row[snapshotColumn.digest] !== null && !isBase(row));
		const digests = new Map<Zxid, Row[]>();
		for (const row of files) {
			const at = zxidOf(row[snapshotColumn.digestZxid] ?? row[snapshotColumn.zxid]!);
			digests.set(at, [...(digests.get(at) ?? []), row]);
		}
		const start = bases.findLast((it) => it.zxid < Math.max(1, from)) ?? bases[0];
		// Whoever asks for a part gets its reasons, too: the tree comes from the base in front of it.
		const begin = start === undefined ? zeroZxid : start.zxid;
		const total = await rows.count('txn');
		const streams = {
			txns: await RowStream.of(rows.read('txn', begin, to)),
			changes: await RowStream.of(rows.read('change', begin, to)),
			versions: await RowStream.of(rows.read('znode_version', zeroZxid, to)),
			sessions: await RowStream.of(rows.read('session', zeroZxid, to)),
			checkpoints: await RowStream.of(rows.read('checkpoint', begin, to)),
		};
		const { txns, changes, versions, sessions, checkpoints } = streams;
		try {
			const pending = bases.filter((it) => it.zxid >= begin && it.zxid <= to);
			if (start?.gap?.kind === 'pruned') await passPruned(txns, changes, begin);
			const first = txns.next === null ? null : zxidOf(txns.next[t.zxid]!);
			const before = [...ledger.pruned].filter(([zxid]) => first !== null && zxid < first).sort(([a], [b]) => b - a)[0];
			this.#chain = new Chain(before?.[1] ?? rows.hashBefore ?? (await this.#hashBefore(begin)) ?? noHash);
			let done = 0;
			for (;;) {
				const txn = txns.next;
				const zxid = txn === null ? null : zxidOf(txn[t.zxid]!);
				const base = pending[0];
				if (base !== undefined && (zxid === null || base.zxid < zxid)) {
					pending.shift();
					if (this.#fold !== null) await this.#strays(streams, base.zxid);
					await this.#base(base, base === bases[0], ledger.bases.get(base.zxid), versions, sessions);
					await this.#passCheckpoints(checkpoints, base.zxid);
					continue;
				}
				if (txn === null || zxid === null) break;
				await this.#strays(streams, zxid);
				const own: Row[] = [];
				for (; changes.next !== null && zxidOf(changes.next[c.zxid]!) === zxid; await changes.take())
					own.push(changes.next);
				const begun: Row[] = [];
				for (; versions.next !== null && fromOf(versions.next) === zxid; await versions.take())
					begun.push(versions.next);
				const opened: Row[] = [];
				for (; sessions.next !== null && openedOf(sessions.next) === zxid; await sessions.take())
					opened.push(sessions.next);
				this.#txn(txn, zxid, own, begun, opened, gaps);
				for (const row of digests.get(zxid) ?? []) this.#compareFile(row, zxid);
				this.#unsigned = ledger.signedZxid !== null && zxid <= ledger.signedZxid ? 0 : this.#unsigned + 1;
				await this.#passCheckpoints(checkpoints, zxid);
				if (++done % progressTxns === 0) progress?.(done, Math.max(total, done));
				await txns.take();
			}
			await this.#strays(streams, lastOfAll);
			await this.#passCheckpoints(checkpoints, lastOfAll);
			const isWhole = to === lastOfAll;
			const last = this.#lastZxid ?? zeroZxid;
			this.#versions.finish(last, isWhole);
			this.#sessions.finish(last, isWhole);
			this.#acls.finish(isWhole && begin === (bases[0]?.zxid ?? zeroZxid));
			if (isWhole) {
				await this.#cursor();
				this.#leftEpochs(begin);
			}
			return {
				firstZxid: first,
				lastZxid: this.#lastZxid,
				txns: txns.rows,
				changes: this.#changes,
				versions: versions.rows,
				sessions: sessions.rows,
				epochs,
				digests: this.#digests,
				digest: this.#tree?.digest() ?? 0n,
				hash: this.#chain.hash,
				gaps,
				bases,
				epochRuns: this.#epochRuns,
				checkpoints: ledger.checkpoints,
				signedCheckpoints: ledger.signed,
				signedZxid: ledger.signedZxid,
				signedMs: ledger.signedMs,
				unsignedTxns: this.#unsigned,
				withoutFacts: this.#withoutFacts,
				redactedFrom: this.#redactedFrom,
				findings: findings.listed,
				wrongRows: findings.count,
			};
		} finally {
			for (const stream of Object.values(streams)) await stream.end();
		}
	}

	/** Of the last transaction at or before a base that stands within the history. */
	async #hashBefore(zxid: Zxid): Promise<Buffer | null> {
		if (zxid === zeroZxid) return null;
		let last: Buffer | null = null;
		for await (const batch of this.#rows.read('txn', zeroZxid, zxid)) last = batch.at(-1)?.[t.hash] ?? last;
		return last;
	}

	/** Rows that belong to no transaction that there is. */
	async #strays(
		{ changes, versions, sessions }: Readonly<Record<'changes' | 'versions' | 'sessions', RowStream>>,
		zxid: number,
	): Promise<void> {
		for (; changes.next !== null && zxidOf(changes.next[c.zxid]!) < zxid; await changes.take()) {
			const at = zxidOf(changes.next[c.zxid]!);
			this.#findings.add('change', changeKey(at, changeOrdinal(changes.next)), at, 'it belongs to no transaction');
			this.#chain!.broken();
			this.#stray = at;
		}
		if (this.#fold === null) return;
		for (; versions.next !== null && fromOf(versions.next) < zxid; await versions.take()) {
			const at = fromOf(versions.next) as Zxid;
			this.#versions.begin(at, [versions.next], new CopyRows(), false, (path) => this.#nodeNow(path));
		}
		for (; sessions.next !== null && openedOf(sessions.next) < zxid; await sessions.take()) {
			this.#sessions.none([sessions.next], openedOf(sessions.next) as Zxid);
		}
	}

	async #base(
		base: Base,
		isFirst: boolean,
		content: Buffer | undefined,
		versions: RowStream,
		sessions: RowStream,
	): Promise<void> {
		const { zxid, gap } = base;
		// What was valid before may have begun earlier, where that is not read or no longer there.
		const isPruned = gap?.kind === 'pruned' || (this.#fold === null && !isFirst);
		if (gap !== null && this.#fold !== null) this.#versions.endAll((gap.afterZxid + 1) as Zxid);
		const tree = DataTree.load({ keepData: false });
		const numbers = new Map<bigint, number>();
		let isRedacted = false;
		let nodes = 0;
		const open = await readBase(this.#rows, zxid, content, this.#findings, (row) => {
			const acl = signed8(row[nodeColumn.aclId]!);
			let number = numbers.get(acl);
			if (number === undefined) {
				number = numbers.size + 1;
				numbers.set(acl, number);
				tree.addAcl(number, this.#acls.list(acl));
			}
			isRedacted ||= row[nodeColumn.dataHash] !== null;
			nodes++;
			try {
				tree.addNode(text(row[nodeColumn.path]!), row[nodeColumn.data]!, number, statOf(row));
			} catch (error) {
				this.#findings.add(
					'snapshot_node',
					`${text(row[nodeColumn.path]!)} at ${formatZxid(zxid)}`,
					zxid,
					(error as Error).message,
				);
			}
		});
		tree.finishLoading();
		tree.lastProcessedZxid = zxid;
		if (isRedacted) this.#redactedFrom ??= zxid;
		const isDigestKnown = base.digest !== null && this.#redactedFrom === null;
		if (isDigestKnown && tree.digest() !== base.digest) {
			const problem = `its nodes make the digest ${tree.digest()}, it says ${base.digest}`;
			this.#findings.add('snapshot', `base ${formatZxid(zxid)}`, zxid, problem);
		}
		if (base.nodes !== null && base.nodes !== nodes) {
			const problem = `it has ${nodes} nodes, and had ${base.nodes}`;
			this.#findings.add('snapshot', `base ${formatZxid(zxid)}`, zxid, problem);
		}
		const expected = new CopyRows();
		for (const path of tree.paths())
			writeVersion(expected, { from: zxid, node: tree.node(path)!, dataZxid: zxid }, null);
		const begun: Row[] = [];
		for (; versions.next !== null && fromOf(versions.next) <= zxid; await versions.take()) {
			const { next } = versions;
			if (
				this.#fold === null &&
				fromOf(next) < zxid &&
				next[versionColumn.to] !== null &&
				zxidOf(next[versionColumn.to]!) <= zxid
			)
				continue;
			this.#acls.use(next[versionColumn.aclId]!);
			begun.push(next);
		}
		this.#versions.begin(zxid, begun, expected, isPruned);
		const openedRows: Row[] = [];
		for (; sessions.next !== null && openedOf(sessions.next) <= zxid; await sessions.take()) {
			const { next } = sessions;
			if (openedOf(next) === zxid || open.has(unsigned8(next[0]!))) openedRows.push(next);
		}
		this.#sessions.base(zxid, open, openedRows, isPruned);
		this.#offset = 0n;
		this.#behind = zxid;
		if (isPruned) this.#unread = zxid;
		this.#begin(tree, zxid);
	}

	#begin(tree: DataTree, zxid: Zxid): void {
		this.#begunAt = zxid;
		this.#tree = tree;
		const quotaZxids = new Map<string, Zxid>();
		for (const path of tree.paths()) {
			if (path.startsWith('/zookeeper/quota/') && path.endsWith('/zookeeper_stats')) quotaZxids.set(path, zxid);
		}
		this.#fold = new HistoryFold({
			tree,
			point: { zxid, digest: tree.digest(), hash: noHash },
			baseZxid: zxid,
			openSessions: this.#sessions.open,
			lastEpoch: this.#lastZxid === null ? -1 : epochOf(this.#lastZxid),
			quotaZxids,
		});
	}

	#txn(
		txn: Row,
		zxid: Zxid,
		changes: readonly Row[],
		begun: readonly Row[],
		opened: readonly Row[],
		gaps: readonly Gap[],
	): void {
		const findings = this.#findings;
		this.#changes += changes.length;
		this.#contiguous(zxid, gaps);
		this.#count(zxid);
		const tree = this.#tree;
		const versions = factsOfVersions(begun);
		const session = opened.find((row) => isSessionOf(row, unsigned8(txn[t.session]!)));
		const said: Facts = { ...versions, timeoutMs: () => (session === undefined ? undefined : timeoutOf(session)) };
		const link = this.#chain!.follow(txn, changes, said, (path) => tree?.storedStat(path)?.cversion);
		if (link.state === 'older') this.#withoutFacts++;
		const isWrong = link.state === 'wrong';
		if (isWrong) {
			const problem = 'the row or its changes are not what was mirrored, or a row in front of it is missing';
			findings.add('txn', txnKey(zxid), zxid, problem);
		} else if (link.state === 'behind' && this.#stray !== null) {
			findings.add('txn', txnKey(this.#stray), this.#stray, 'it is missing');
		}
		this.#stray = null;
		if (int4(txn[t.epoch]!) !== epochOf(zxid)) findings.add('txn', txnKey(zxid), zxid, 'epoch: not that of its zxid');
		for (const row of changes) this.#acls.use(row[c.aclId]!);
		for (const row of begun) this.#acls.use(row[versionColumn.aclId]!);
		this.#lastZxid = zxid;
		const fold = this.#fold;
		if (fold === null || tree === null) return;
		this.#redactedFrom ??= changes.some((row) => row[c.dataHash] !== null) ? zxid : null;
		const before = findings.count;
		fold.apply(recordOf(txn, changes, link.facts, this.#acls.list));
		const batch = fold.takeBatch();
		for (const path of batch.endedPaths) this.#versions.end(path, zxid);
		this.#versions.begin(zxid, begun, batch.versions, false, (path) => this.#nodeNow(path));
		const type = text(txn[t.type]!);
		if (type === 'createSession')
			this.#sessions.opened(zxid, txn, opened, link.state === 'older' ? undefined : link.facts.timeoutMs());
		else {
			if (type === 'closeSession') this.#sessions.closed(zxid, unsigned8(txn[t.session]!), txn[t.time]!);
			this.#sessions.none(opened, zxid);
		}
		for (const { epoch, firstZxid } of batch.epochs) this.#epoch(epoch, firstZxid, txn);
		const offset = this.#offset;
		this.#compareDigest(txn, zxid, tree.digest(), isWrong || findings.count > before);
		if (isWrong) {
			const isOtherTree = findings.count > before || offset !== this.#offset;
			const made = rowsWithin(batch.changes.since(headerBytes));
			nameAltered({ findings, zxid, txn, changes, made, begun, session, isOtherTree });
		}
		this.#options.reached?.(zxid, tree.digest());
	}

	#count(zxid: Zxid): void {
		const run = this.#epochRuns.at(-1);
		if (run?.epoch === epochOf(zxid)) {
			run.last = zxid;
			run.rows++;
		} else this.#epochRuns.push({ epoch: epochOf(zxid), first: zxid, last: zxid, rows: 1 });
	}

	#contiguous(zxid: Zxid, gaps: readonly Gap[]): void {
		const last = this.#behind;
		this.#behind = zxid;
		if (last === null || isContiguous(last, zxid)) return;
		if (gaps.some((gap) => gap.afterZxid >= last && gap.throughZxid < zxid && gap.kind !== 'mismatch')) return;
		const first = epochOf(last) === epochOf(zxid) ? last + 1 : epochOf(zxid) * 2 ** 32 + 1;
		const missing =
			first === zxid - 1
				? formatZxid(first as Zxid)
				: `${formatZxid(first as Zxid)} to ${formatZxid((zxid - 1) as Zxid)}`;
		this.#findings.add('txn', missing, zxid, 'it is missing');
		this.#chain!.broken();
	}

	#nodeNow(path: string): Row | null {
		const node = this.#tree?.node(path);
		if (node === undefined) return null;
		const rows = new CopyRows();
		writeVersion(rows, { from: zeroZxid, node, dataZxid: zeroZxid }, null);
		return [...rowsWithin(rows.since(headerBytes))][0] ?? null;
	}

	#epoch(epoch: number, first: Zxid, txn: Row): void {
		const row = this.#epochs.get(epoch);
		this.#epochs.delete(epoch);
		// It may have begun where nothing was read.
		if (row !== undefined && zxidOf(row[1]!) <= this.#unread && epochOf(zxidOf(row[1]!)) === epoch) return;
		if (row === undefined) this.#findings.add('epoch', `${epoch}`, first, 'it is missing');
		// It had begun in front of what is read, or is kept.
		else if (epochOf(this.#begunAt) === epoch && zxidOf(row[1]!) <= this.#begunAt) return;
		else if (zxidOf(row[1]!) !== first || !isSame(row[2]!, txn[t.time]!)) {
			this.#findings.add('epoch', `${epoch}`, first, 'it is not what its first transaction says');
		}
	}

	#leftEpochs(begin: Zxid): void {
		for (const [epoch, row] of this.#epochs) {
			if (zxidOf(row[1]!) <= begin) continue; // Of what was pruned, or lies in front of what was read.
			this.#findings.add('epoch', `${epoch}`, null, 'it has no transaction');
		}
	}

	#compareDigest(txn: Row, zxid: Zxid, digest: bigint, isExplained: boolean): void {
		if (txn[t.digest] === null || this.#redactedFrom !== null) return;
		this.#digests++;
		const offset = BigInt.asUintN(64, unsigned8(txn[t.digest]!) - digest);
		const isSteady = offset === this.#offset;
		this.#offset = offset;
		// Behind a row that is wrong the tree is another; that is told once, where it was altered.
		if (isSteady || isExplained || this.#findings.any) return;
		const problem = `digest: the tree that the changes make has ${digest}`;
		this.#findings.add('txn', txnKey(zxid), zxid, problem);
	}

	#compareFile(row: Row, zxid: Zxid): void {
		if (this.#redactedFrom !== null || this.#tree === null || this.#offset !== 0n) return;
		const said = unsigned8(row[snapshotColumn.digest]!);
		if (said === this.#tree.digest()) return;
		const key = `${formatZxid(zxidOf(row[snapshotColumn.zxid]!))} ${text(row[snapshotColumn.source]!)}`;
		this.#findings.add('snapshot', key, zxid, `digest: the tree at ${formatZxid(zxid)} has ${this.#tree.digest()}`);
	}

	/** A checkpoint has the hash that the chain has at its zxid. */
	async #passCheckpoints(checkpoints: RowStream, zxid: Zxid): Promise<void> {
		for (
			;
			checkpoints.next !== null && zxidOf(checkpoints.next[checkpointColumn.zxid]!) <= zxid;
			await checkpoints.take()
		) {
			const at = zxidOf(checkpoints.next[checkpointColumn.zxid]!);
			const isHere = at === zxid || this.#lastZxid === at;
			if (isHere && this.#chain!.hash.equals(checkpoints.next[checkpointColumn.hash]!)) continue;
			const problem = isHere ? 'the hash chain there is another' : 'there is no such transaction';
			this.#findings.add('checkpoint', formatZxid(at), at, problem);
		}
	}

	async #cursor(): Promise<void> {
		const [cursor] = await this.#rows.all('mirror_cursor');
		if (cursor === undefined) this.#findings.add('mirror_cursor', 'id 1', null, 'it is missing');
		if (cursor === undefined || cursor[0] === null) return;
		const at = zxidOf(cursor[0]!);
		const last =
			this.#tree === null ? this.#lastZxid : (Math.max(this.#lastZxid ?? 0, this.#tree.lastProcessedZxid) as Zxid);
		if (last !== null && at > last) {
			const problem = `the history ends with ${formatZxid(last)}, and had come to ${formatZxid(at)}: what is between is missing`;
			this.#findings.add('txn', `${formatZxid((last + 1) as Zxid)} to ${formatZxid(at)}`, at, problem);
		} else if (last !== null && at < last) {
			this.#findings.add('mirror_cursor', formatZxid(at), at, `there are rows up to ${formatZxid(last)} behind it`);
		} else if (!this.#chain!.hash.equals(cursor[2] ?? noHash)) {
			this.#findings.add('mirror_cursor', formatZxid(at), at, 'hash: not that of the chain');
		} else if (
			this.#redactedFrom === null &&
			this.#offset === 0n &&
			this.#tree !== null &&
			cursor[1] !== null &&
			unsigned8(cursor[1]!) !== this.#tree.digest()
		) {
			this.#findings.add('mirror_cursor', formatZxid(at), at, 'digest: not that of the tree');
		}
	}
}

const headerBytes = 19;

/** A prune that is under way has not dropped everything yet. */
async function passPruned(txns: RowStream, changes: RowStream, cut: Zxid): Promise<void> {
	while (txns.next !== null && zxidOf(txns.next[t.zxid]!) <= cut) await txns.take();
	while (changes.next !== null && zxidOf(changes.next[c.zxid]!) <= cut) await changes.take();
}
