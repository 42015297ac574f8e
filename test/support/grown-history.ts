/** A history that grows in a database as a mirror writes it, batch by batch, from transactions that are made here: no files, any zxids. */
import pg from 'pg';
import { writeBase } from '#audit/base-snapshot';
import { readCursor } from '#audit/batch-writer';
import type { FoldStart } from '#audit/fold';
import { HistoryWriter } from '#audit/history-writer';
import type { PartitionMaker } from '#audit/partitions';
import { loadStoredTree, storedSessions } from '#audit/stored-tree';
import type { TxnRecord } from '#core/model/txn-record';
import { epochOf, makeZxid, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { openAcl } from '#jute/acl';
import type { Txn } from '#jute/txn';
import { seeded } from './generated-log.ts';
import { creatorOnly } from './tree-history.ts';

const paths = 40;
/** Nodes that are set seldom lie in old partitions when they are. */
const quietPaths = 400;

export class GrownHistory {
	/** What the cluster has, with data. */
	readonly tree = new DataTree();
	readonly zxids: Zxid[] = [];
	readonly #random: () => number;
	readonly #versions = new Map<string, number>();
	readonly #sessions: SessionId[] = [];
	#zxid: Zxid = zeroZxid;
	#session = 0x1000n;

	constructor(seed: number) {
		this.#random = seeded(seed);
	}

	get zxid(): Zxid {
		return this.#zxid;
	}

	/** The next transactions. In a new epoch they begin with its first zxid. */
	more(count: number, epoch = epochOf(this.#zxid)): TxnRecord[] {
		if (epoch !== epochOf(this.#zxid)) this.#zxid = makeZxid(epoch, 0);
		return Array.from({ length: count }, () => this.#next());
	}

	#next(): TxnRecord {
		const zxid = (this.#zxid + 1) as Zxid;
		this.#zxid = zxid;
		const { txn, sessionId } = this.#txn();
		const header = { sessionId, cxid: 1, zxid, time: 1_577_836_800_000 + this.zxids.length * 1000 };
		this.tree.apply({ header, txn });
		this.zxids.push(zxid);
		return { header, txn, digest: { version: 2, value: this.tree.digest() }, context: null };
	}

	#txn(): { readonly txn: Txn; readonly sessionId: SessionId } {
		const dice = this.#random();
		const sessionId = this.#sessions.at(-1) ?? (0n as SessionId);
		if (dice < 0.04 || this.#sessions.length === 0) {
			const opened = this.#session++ as SessionId;
			this.#sessions.push(opened);
			return { txn: { kind: 'createSession', timeoutMs: 4000 }, sessionId: opened };
		}
		if (dice < 0.07) {
			const closed = this.#sessions.shift()!;
			return { txn: { kind: 'closeSession', paths: this.tree.ephemeralsOf(closed) }, sessionId: closed };
		}
		if (dice < 0.1) return { txn: { kind: 'error', code: -101 }, sessionId };
		const path =
			dice < 0.3
				? `/q${Math.floor(this.#random() * quietPaths)}`
				: dice < 0.5
					? `/n${Math.floor(this.#random() * paths)}`
					: `/n${Math.floor(this.#random() * paths)}/c${Math.floor(this.#random() * 5)}`;
		return { txn: this.#change(path), sessionId };
	}

	#change(path: string): Txn {
		const node = this.tree.node(path);
		const data = this.#random() < 0.1 ? null : new TextEncoder().encode(`${path} ${this.#zxid}`);
		if (node === undefined) {
			const parent = this.tree.node(path.slice(0, path.lastIndexOf('/')) || '/');
			if (parent === undefined || parent.stat.ephemeralOwner !== 0n) return { kind: 'error', code: -101 };
			this.#versions.set(path, 0);
			const ephemeral = path.startsWith('/q') && this.#random() < 0.2;
			return { kind: 'create', path, data, acl: openAcl, ephemeral, parentCversion: -1 };
		}
		const dice = this.#random();
		if (dice < 0.1) return { kind: 'setACL', path, acl: creatorOnly, version: node.stat.aversion + 1 };
		if (dice < 0.3 && node.childCount === 0) return { kind: 'delete', path };
		return { kind: 'setData', path, data, version: node.stat.version + 1 };
	}
}

/** Writes such histories into one database. */
export class GrownDatabase {
	readonly client: pg.Client;
	#writer: HistoryWriter | null = null;
	#partitions: PartitionMaker | undefined;

	constructor(url: string, partitions?: PartitionMaker) {
		this.client = new pg.Client({ connectionString: url });
		this.#partitions = partitions;
	}

	async open(): Promise<void> {
		await this.client.connect();
		const tree = new DataTree({ keepData: false });
		const base = { tree: new DataTree(), sessions: new Map(), zxid: zeroZxid, source: 'the empty tree', gap: null };
		const point = await writeBase(this.client, await readCursor(this.client), base, 'test');
		this.#writer = this.#begin({ tree, point, baseZxid: zeroZxid, openSessions: new Map() });
	}

	/** From the next batch on. */
	makePartitionsWith(partitions: PartitionMaker): void {
		this.#partitions = partitions;
	}

	/** What the history does from here to a zxid is lost: it goes on with its tree as a base. */
	async goOnBehindGap(history: GrownHistory, throughZxid: Zxid): Promise<void> {
		const from = await readCursor(this.client);
		const sessions = await storedSessions(this.client, from.zxid!);
		const gap = { afterZxid: from.zxid!, throughZxid, kind: 'lost', reason: 'of the test' } as const;
		const base = { tree: history.tree, sessions, zxid: throughZxid, source: 'test', gap };
		const point = await writeBase(this.client, from, base, 'test');
		const tree = await loadStoredTree(this.client, throughZxid, false);
		this.#writer = this.#begin({ tree, point, baseZxid: throughZxid, openSessions: sessions });
	}

	#begin(start: Pick<FoldStart, 'tree' | 'point' | 'baseZxid' | 'openSessions'>): HistoryWriter {
		const partitions: Pick<PartitionMaker, 'prepare'> = {
			prepare: async (client, batch) => this.#partitions?.prepare(client, batch),
		};
		const options = { writer: 'test', partitions };
		return new HistoryWriter(this.client, { ...start, lastEpoch: -1, quotaZxids: new Map() }, options);
	}

	/** As one batch. */
	async write(records: readonly TxnRecord[]): Promise<void> {
		for (const record of records) this.#writer!.add(record);
		await this.#writer!.finish();
	}

	close(): Promise<void> {
		return this.client.end();
	}
}
