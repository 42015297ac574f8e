/** A log of many transactions with the digests they must have, made faster than a server would: for benchmarks of what reads logs. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { TxnRecord } from '#core/model/txn-record';
import { makeZxid, type SessionId, type Zxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { openAcl } from '#jute/acl';
import type { Txn } from '#jute/txn';
import { FileTxnLog } from '#storage/txn-log';

export interface GeneratedLog {
	readonly dataDir: string;
	readonly txns: number;
	readonly lastZxid: Zxid;
	readonly tree: DataTree;
}

/** The transaction of one zxid; a tree to look at is at hand. */
export type Workload = (n: number, tree: DataTree) => Txn;

export async function generateLog(
	dataDir: string,
	txns: number,
	workload: Workload,
	first = 1,
	fromMs = 1_795_245_000_000,
): Promise<GeneratedLog> {
	const directory = path.join(dataDir, 'version-2');
	mkdirSync(directory, { recursive: true });
	const tree = new DataTree({ keepData: false });
	const log = new FileTxnLog({ directory, lastZxid: makeZxid(0, 0), forceSync: false });
	const { promise: done, resolve, reject } = Promise.withResolvers<void>();
	const last = makeZxid(0, first + txns - 1);
	log.listen({ durable: (zxid) => zxid === last && resolve(), failed: reject });
	const session = 0x1000_0314_cd3_0019n as SessionId;
	let records: TxnRecord[] = [];
	for (let n = 0; n < txns; n++) {
		const header = { sessionId: session, cxid: n, zxid: makeZxid(0, first + n), time: fromMs + n };
		const txn = workload(n, tree);
		tree.apply({ header, txn });
		records.push({ header, txn, digest: { version: 2, value: tree.digest() }, context: null });
		if (records.length < 1000) continue;
		log.append(records);
		records = [];
		if (log.pendingBytes > 8 << 20) await new Promise((turn) => setImmediate(turn));
	}
	log.append(records);
	await done;
	await log.close();
	return { dataDir, txns, lastZxid: last, tree };
}

/** Deterministic: the same log each time. */
export function seeded(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 2 ** 32;
	};
}

const bytes = new Uint8Array(100).fill(0x78);

/** `setData` of 100 bytes on nodes chosen evenly, after their creation: nearly every version supersedes one of an earlier batch. */
export function setDataWorkload(nodes: number): Workload {
	const random = seeded(1);
	const pathOf = (n: number) => (n < 101 ? (n === 0 ? '/bench' : `/bench/d${n - 1}`) : `/bench/d${n % 100}/node-${n}`);
	const versions = new Int32Array(nodes);
	return (n) => {
		if (n < nodes)
			return { kind: 'create', path: pathOf(n), data: bytes, acl: openAcl, ephemeral: false, parentCversion: -1 };
		const i = Math.floor(random() * nodes);
		versions[i] = versions[i]! + 1;
		return { kind: 'setData', path: pathOf(i), data: bytes, version: versions[i]! };
	};
}

/** As in the recordings: creations and deletions of short-lived nodes, configuration that is set, errors, sessions, small multis. */
export function mixedWorkload(): Workload {
	const random = seeded(2);
	const parents = 200;
	const settings = 2_000;
	const versions = new Int32Array(settings);
	const alive: string[] = [];
	let created = 0;
	const create = (path: string): Txn & { kind: 'create' } => ({
		kind: 'create',
		path,
		data: bytes,
		acl: openAcl,
		ephemeral: false,
		parentCversion: -1,
	});
	const takeAlive = (): string => {
		const i = Math.floor(random() * alive.length);
		const path = alive[i]!;
		alive[i] = alive.at(-1)!;
		alive.pop();
		return path;
	};
	const newNode = (): string => {
		const path = `/live/p${Math.floor(random() * parents)}/n-${created++}`;
		alive.push(path);
		return path;
	};
	const setData = (): Txn & { kind: 'setData' } => {
		const i = Math.floor(random() * settings);
		versions[i] = versions[i]! + 1;
		return { kind: 'setData', path: `/settings/s${i}`, data: bytes, version: versions[i]! };
	};
	const setUp = [
		'/live',
		'/settings',
		...Array.from({ length: parents }, (_, i) => `/live/p${i}`),
		...Array.from({ length: settings }, (_, i) => `/settings/s${i}`),
	];
	return (n) => {
		if (n < setUp.length) return create(setUp[n]!);
		const dice = random();
		if (dice < 0.32 || alive.length < 5_000) return create(newNode());
		if (dice < 0.6) return { kind: 'delete', path: takeAlive() };
		if (dice < 0.83) return setData();
		if (dice < 0.94) return { kind: 'error', code: dice < 0.9 ? -101 : -103 };
		if (dice < 0.97)
			return { kind: 'multi', ops: [create(newNode()), setData(), { kind: 'delete', path: takeAlive() }] };
		return { kind: 'createSession', timeoutMs: 10_000 };
	};
}
