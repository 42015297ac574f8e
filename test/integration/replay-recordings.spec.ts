/**
 * Replays what real ZooKeeper servers logged, from an empty tree. After every transaction the tree must have the digest that
 * ZooKeeper's had, and at the zxids that the recordings describe the very same nodes, which is where ACLs count, too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { configPath, quotaPath } from '#core/model/path';
import { formatZxid, isContiguous, parseZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { JuteReader } from '#jute/codec';
import { type DecodedTxn, decodeTxn } from '#jute/txn-codec';
import { describeTree } from '../support/client-tree.ts';
import {
	type ExpectedNode,
	expectedState,
	expectedTree,
	expectedZxids,
	type RecordingName,
	recordingDirectory,
	recordingNames,
} from '../support/recordings.ts';

const fileHeaderBytes = 16;

/** The counts that state-*.json has beside the digest. */
interface Counts {
	readonly znodes: number;
	readonly nodeCount: number;
	readonly approximateDataSize: number;
	readonly ephemerals: number;
	readonly containers: number;
	readonly ttls: number;
	readonly distinctAcls: number;
}

function readRecords(name: RecordingName): DecodedTxn[] {
	const data = join(recordingDirectory(name), 'data');
	const logs = readdirSync(data)
		.filter((file) => file.startsWith('log.'))
		.sort((a, b) => Number.parseInt(a.slice(4), 16) - Number.parseInt(b.slice(4), 16));
	return logs.flatMap((file) => [...recordsOf(gunzipSync(readFileSync(join(data, file))))]);
}

function* recordsOf(file: Uint8Array): Generator<DecodedTxn> {
	const reader = new JuteReader(file, fileHeaderBytes);
	while (reader.remaining >= 12) {
		reader.skip(8);
		const length = reader.readInt();
		if (length === 0) return;
		yield decodeTxn(new JuteReader(file, reader.position, reader.position + length));
		reader.skip(length + 1);
	}
}

/** Version and digest by zxid, as expected/digests.csv.gz and committed.csv.gz have them; empty for error transactions. */
function readDigests(file: string): Map<string, string> {
	const lines = gunzipSync(readFileSync(file)).toString('latin1').trimEnd().split('\n').slice(1);
	return new Map(lines.map((line) => [line.split(',')[0]!, line.split(',').slice(2, 4).join(',')]));
}

/** Up to the first hole, behind which only a snapshot from the leader knows what happened. */
function untilHole(records: readonly DecodedTxn[]): readonly DecodedTxn[] {
	const hole = records.findIndex(({ header }, i) => i > 0 && !isContiguous(records[i - 1]!.header.zxid, header.zxid));
	return hole === -1 ? records : records.slice(0, hole);
}

/** Applies the records and compares digests; calls back where an expected tree is. Returns how many digests were compared. */
function replay(
	records: readonly DecodedTxn[],
	digests: ReadonlyMap<string, string>,
	at: (zxid: string, tree: DataTree) => void,
): number {
	const tree = new DataTree();
	let before = tree.digest();
	let compared = 0;
	for (const record of records) {
		const zxid = formatZxid(record.header.zxid);
		tree.apply(record);
		const digest = tree.digest();
		const expected = digests.get(zxid);
		if (record.txn.kind === 'error') {
			if (expected !== ',' || digest !== before) expect.fail(`${zxid}: an error transaction changed the tree`);
		} else {
			if (expected !== `2,${digest}`)
				expect.fail(`${zxid} (${record.txn.kind}): digest ${digest}, expected ${expected}`);
			compared += 1;
		}
		before = digest;
		at(zxid.slice(2), tree);
	}
	expect(tree.lastProcessedZxid).toBe(records.at(-1)!.header.zxid);
	return compared;
}

/**
 * All fields of all nodes. An ensemble's servers write their configuration into /zookeeper/config by themselves, in the form of a
 * setData without a transaction: its data, mzxid, mtime and version are not in the log (README of the recordings).
 */
function expectSameTree(tree: DataTree, name: RecordingName, zxid: string): void {
	const forComparison = (node: ExpectedNode): ExpectedNode =>
		node.path === configPath && name !== 'recording-a'
			? { ...node, data: null, mzxid: '', mtime: 0, version: 0 }
			: node;
	const byPath = (a: ExpectedNode, b: ExpectedNode) => (a.path < b.path ? -1 : 1);
	const found = describeTree(tree).sort(byPath).map(forComparison);
	expect(found).toEqual(expectedTree(name, zxid).map(forComparison));
}

function expectSameCounts(tree: DataTree, name: RecordingName, zxid: string): void {
	const state = expectedState(name, zxid) as unknown as Counts & { readonly treeDigest: string };
	const config = expectedTree(name, zxid).find((node) => node.path === configPath)!;
	const configBytes = Buffer.from(config.data ?? '', 'base64').length - tree.data(configPath)!.length;
	expect({
		treeDigest: tree.digest().toString(),
		znodes: tree.size,
		nodeCount: tree.size + 1,
		approximateDataSize: tree.approximateDataSize + configBytes,
		ephemerals: tree.ephemeralCount,
		containers: tree.containerCount,
		ttls: tree.ttlCount,
		distinctAcls: tree.aclCount,
	}).toEqual({
		treeDigest: state.treeDigest,
		znodes: state.znodes,
		nodeCount: state.nodeCount,
		approximateDataSize: state.approximateDataSize,
		ephemerals: state.ephemerals,
		containers: state.containers,
		ttls: state.ttls,
		distinctAcls: state.distinctAcls,
	});
}

describe.each(recordingNames)('18-27, 76, 83: %s', (name) => {
	/** Records up to the first hole, and the last zxid in front of it (`lastBefore` in the manifest). */
	const extents: Record<RecordingName, readonly [number, string]> = {
		'recording-a': [20_034, '0x4e42'],
		'recording-c-ensemble/server1': [8276, '0x3000008b3'],
		'recording-c-ensemble/server2': [6057, '0x20000096e'],
		'recording-c-ensemble/server3': [3643, '0x100000e3b'],
	};

	it('gives the digest of ZooKeeper after every transaction, and its trees', () => {
		const records = untilHole(readRecords(name));
		const last = records.at(-1)!.header.zxid;
		expect([records.length, formatZxid(last)]).toEqual(extents[name]);
		const digests = readDigests(join(recordingDirectory(name), 'expected', 'digests.csv.gz'));
		const zxids = expectedZxids(name).filter((zxid) => parseZxid(`0x${zxid}`) <= last);
		let trees = 0;
		const compared = replay(records, digests, (zxid, tree) => {
			if (!zxids.includes(zxid)) return;
			expectSameTree(tree, name, zxid);
			expectSameCounts(tree, name, zxid);
			trees += 1;
		});
		expect(compared).toBe(records.filter(({ txn }) => txn.kind !== 'error').length);
		expect(trees).toBe(zxids.length);
	});
});

describe('the committed history of the ensemble', () => {
	it('76: comes from its three servers together, without a hole, with the digest of ZooKeeper after each transaction', () => {
		const names = recordingNames.filter((name) => name !== 'recording-a');
		const committed = readDigests(join(recordingDirectory('recording-c-ensemble'), 'committed.csv.gz'));
		const byZxid = new Map<Zxid, DecodedTxn>();
		for (const name of names) {
			for (const record of readRecords(name)) {
				if (committed.has(formatZxid(record.header.zxid))) byZxid.set(record.header.zxid, record);
			}
		}
		const records = [...byZxid.values()].sort((a, b) => a.header.zxid - b.header.zxid);
		expect(records).toHaveLength(committed.size);
		expect(untilHole(records)).toHaveLength(committed.size);
		// Two servers had transactions in their tree that were never committed.
		const uncommitted = new Set(['3000008b3', '20000096e']);
		const wanted = names.flatMap((name) => expectedZxids(name).map((zxid) => [name, zxid] as const));
		const compared = new Set<string>();
		replay(records, committed, (zxid, tree) => {
			for (const [name, at] of wanted) {
				if (at !== zxid || uncommitted.has(at)) continue;
				expectSameTree(tree, name, zxid);
				compared.add(`${name} ${zxid}`);
			}
		});
		expect(compared.size).toBe(wanted.length - uncommitted.size);
	});
});

describe('78: a log replayed over a tree that has it', () => {
	it('leaves the tree as it is, wherever the second replay begins', () => {
		const records = readRecords('recording-a');
		const expected = expectedTree('recording-a', '4e42');
		for (const from of ['0x1', '0x2000', '0x4c00']) {
			const tree = new DataTree();
			for (const record of records) tree.apply(record);
			const digest = tree.digest();
			// Everything from `from` on once more, as after a snapshot whose writing took that long.
			for (const record of records) if (record.header.zxid >= parseZxid(from)) tree.apply(record);
			expect(tree.lastProcessedZxid, from).toBe(parseZxid('0x4e42'));
			expect(tree.digest(), from).toBe(digest);
			const byPath = (a: ExpectedNode, b: ExpectedNode) => (a.path < b.path ? -1 : 1);
			expect(describeTree(tree).sort(byPath), from).toEqual(expected);
		}
	});
});

describe('keepData: false', () => {
	it('digests and counts like a tree that keeps its data', () => {
		const tree = new DataTree({ keepData: false });
		for (const record of readRecords('recording-a')) tree.apply(record);
		const state = expectedState('recording-a', '4e42') as unknown as Counts & { readonly treeDigest: string };
		expect(tree.digest().toString()).toBe(state.treeDigest);
		expect(tree.approximateDataSize).toBe(state.approximateDataSize);
		const lengths = expectedTree('recording-a', '4e42').map(({ path, data }) => [
			path,
			Buffer.from(data ?? '', 'base64').length,
		]);
		expect(lengths.map(([path]) => [path, tree.stat(path as string)!.dataLength])).toEqual(lengths);
		const kept = [...tree.paths()].filter((path) => (tree.data(path)?.length ?? 0) > 0);
		expect(kept.every((path) => path.startsWith(quotaPath))).toBe(true);
		expect(tree.lastProcessedZxid).not.toBe(zeroZxid);
	});
});
