/** Everything that real ZooKeeper servers wrote: read, replayed, and written again byte for byte. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatSessionId, formatZxid, isContiguous, nextZxid, parseZxid, type Zxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { adler32 } from '#jute/adler32';
import { JuteWriter } from '#jute/codec';
import type { Acl, StoredStat } from '#jute/records';
import type { SessionId } from '#jute/scalars';
import {
	type ExpectedNode,
	expectedState,
	expectedTree,
	expectedZxids,
	type RecordingName,
	recordingDirectory,
	recordingNames,
	unpackRecording,
} from '#test/support/recordings';
import { DataDirectory } from './data-directory.ts';
import { LogFileReader } from './log-file-reader.ts';
import { encodeRecord } from './log-record.ts';
import { logSequence } from './log-sequence.ts';
import { recover } from './recovery.ts';
import type { ReplayProgress } from './replay.ts';
import type { SnapshotNode } from './snapshot-items.ts';
import { readSnapshot, type SnapshotDigest } from './snapshot-reader.ts';
import { writeSnapshot } from './snapshot-writer.ts';
import { verifiedLine, verify } from './verify.ts';

interface SnapshotFacts {
	readonly snapshot: string;
	readonly bytes: number;
	readonly digestSectionZxid: string;
	readonly digestSectionVersion: number;
	readonly digestSectionDigest: string;
	readonly loadedTreeDigest: string;
	readonly sessions: number;
	readonly fuzzyTxns: number;
	readonly mismatchesBeforeDigestSectionZxid: number;
	readonly txnsFromThere: number;
	readonly mismatchesFromThere: number;
}

interface Content {
	readonly sessions: Map<SessionId, number>;
	readonly acls: [number, readonly Acl[]][];
	readonly nodes: SnapshotNode[];
	readonly digest: SnapshotDigest | null;
}

function contentOf(file: string): Content {
	const sessions = new Map<SessionId, number>();
	const acls: [number, readonly Acl[]][] = [];
	const nodes: SnapshotNode[] = [];
	const { digest } = readSnapshot(file, {
		session: (id, timeoutMs) => sessions.set(id, timeoutMs),
		acl: (aclId, acl) => acls.push([Number(aclId), acl]),
		node: (nodePath, data, aclId, stat) =>
			nodes.push({ path: nodePath, data: data?.slice() ?? null, aclId: Number(aclId), stat }),
	});
	return { sessions, acls, nodes, digest };
}

const openAcl: readonly Acl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }];

/** As the recording writes nodes down; the client's cversion and the number of children follow from the others. */
function asExpected(
	nodePath: string,
	data: Uint8Array | null,
	stat: StoredStat,
	acl: readonly Acl[],
	numChildren: number,
): ExpectedNode {
	const hex = (value: number | bigint) => `0x${value.toString(16)}`;
	return {
		path: nodePath,
		data: data === null ? null : Buffer.from(data).toString('base64'),
		czxid: hex(stat.czxid),
		mzxid: hex(stat.mzxid),
		pzxid: hex(stat.pzxid),
		ctime: stat.ctime,
		mtime: stat.mtime,
		version: stat.version,
		cversion: stat.cversion,
		aversion: stat.aversion,
		ephemeralOwner: hex(stat.ephemeralOwner),
		clientCversion: stat.cversion * 2 - numChildren,
		numChildren,
		acl: acl.map(({ perms, scheme, id }) => ({ perms, scheme, id })),
	};
}

const byPath = (a: { readonly path: string }, b: { readonly path: string }) =>
	a.path < b.path ? -1 : a.path > b.path ? 1 : 0;

function treeAsExpected(tree: DataTree): ExpectedNode[] {
	return [...tree.paths()]
		.map((nodePath) =>
			asExpected(
				nodePath,
				tree.data(nodePath)!,
				tree.storedStat(nodePath)!,
				tree.acl(nodePath)!,
				tree.childCount(nodePath)!,
			),
		)
		.sort(byPath);
}

function jsonLines<T>(file: string): T[] {
	const text = gunzipSync(readFileSync(file)).toString('utf8').trimEnd();
	return text.split('\n').map((line) => JSON.parse(line) as T);
}

/** What an ensemble's servers set there themselves, without a transaction. */
const ownConfig = (name: RecordingName) => (node: ExpectedNode) =>
	name === 'recording-a' || node.path !== '/zookeeper/config';

/** The usage of a quota is counted anew when ZooKeeper loads a snapshot (semantics 83), and the recording was made by loading. */
const withoutUsage = (node: ExpectedNode) => (node.path.endsWith('/zookeeper_stats') ? { ...node, data: '' } : node);

const root = mkdtempSync(path.join(tmpdir(), 'chronokeeper-recordings-'));
afterAll(() => rmSync(root, { recursive: true }));

for (const name of recordingNames) {
	describe(name, () => {
		const directory = path.join(root, name);
		const expected = path.join(recordingDirectory(name), 'expected');
		const facts = JSON.parse(readFileSync(path.join(expected, 'snapshots.json'), 'utf8')) as SnapshotFacts[];
		beforeAll(() => unpackRecording(name, directory));

		it('every log record, encoded again, is the same bytes', () => {
			const writer = new JuteWriter(1 << 16);
			for (const log of new DataDirectory(directory).logs()) {
				const bytes = readFileSync(log.path);
				const reader = new LogFileReader(log.path);
				for (let entry = reader.next(); entry.kind === 'record'; entry = reader.next()) {
					writer.reset();
					encodeRecord(writer, entry.record, null);
					const original = bytes.subarray(entry.offset, entry.offset + entry.length);
					if (Buffer.compare(original, writer.view()) !== 0) expect(Buffer.from(writer.view())).toEqual(original);
				}
				reader.close();
			}
		});

		it('every snapshot has the facts that ZooKeeper found in it, and is the same bytes when it is written again', () => {
			expect(
				new DataDirectory(directory)
					.snapshots()
					.map((file) => path.basename(file.path))
					.sort(),
			).toEqual(facts.map((fact) => fact.snapshot).sort());
			for (const fact of facts) {
				const file = path.join(directory, fact.snapshot);
				const content = contentOf(file);
				expect(content.sessions.size).toBe(fact.sessions);
				expect(content.digest).toEqual({
					zxid: parseZxid(fact.digestSectionZxid),
					version: fact.digestSectionVersion,
					value: BigInt(fact.digestSectionDigest),
				});
				const pieces: Uint8Array[] = [];
				const zxid = Number.parseInt(fact.snapshot.slice('snapshot.'.length), 16) as Zxid;
				writeSnapshot({ zxid, ...content }, content.digest, (bytes) => pieces.push(bytes.slice()));
				expect(Buffer.concat(pieces).equals(readFileSync(file)), fact.snapshot).toBe(true);
			}
		});

		it('snapshot files hold what ZooKeeper reads in them', () => {
			const files = readdirSync(expected).filter((file) => file.startsWith('file-snapshot.'));
			expect(files.length).toBeGreaterThan(0);
			for (const file of files) {
				const { nodes, acls } = contentOf(path.join(directory, file.slice('file-'.length).replace('.jsonl.gz', '')));
				const lists = new Map(acls);
				const children = new Map<string, number>();
				for (const node of nodes) {
					const parent = node.path.slice(0, Math.max(1, node.path.lastIndexOf('/')));
					if (node.path !== '/') children.set(parent, (children.get(parent) ?? 0) + 1);
				}
				const found = nodes
					.map(({ path: nodePath, data, aclId, stat }) =>
						asExpected(nodePath, data, stat, aclId === -1 ? openAcl : lists.get(aclId)!, children.get(nodePath) ?? 0),
					)
					.sort(byPath);
				expect(found.map(withoutUsage)).toEqual(jsonLines<ExpectedNode>(path.join(expected, file)).map(withoutUsage));
			}
		});

		it('78: a replay from each snapshot disagrees where ZooKeeper says it does, and never from the digest section on', () => {
			const logs = new DataDirectory(directory).logs();
			for (const fact of facts) {
				const tree = DataTree.load();
				const file = path.join(directory, fact.snapshot);
				readSnapshot(file, {
					acl: (aclId, acl) => tree.addAcl(aclId, acl),
					node: (nodePath, data, aclId, stat) => tree.addNode(nodePath, data, aclId, stat),
				});
				tree.finishLoading();
				expect(String(tree.digest()), fact.snapshot).toBe(fact.loadedTreeDigest);
				const zxid = Number.parseInt(fact.snapshot.slice('snapshot.'.length), 16) as Zxid;
				const section = parseZxid(fact.digestSectionZxid);
				let last = zxid;
				let mismatchesBefore = 0;
				let fuzzy = 0;
				for (const { record } of logSequence(logs, nextZxid(zxid))) {
					// What lies behind a hole belongs to the snapshot that fills it.
					if (!isContiguous(last, record.header.zxid)) break;
					last = record.header.zxid;
					tree.apply(record);
					const differs = record.digest !== null && record.digest.value !== tree.digest();
					if (record.header.zxid < section) {
						fuzzy++;
						if (differs) mismatchesBefore++;
					} else if (differs) {
						expect.fail(`${fact.snapshot}: mismatch at ${formatZxid(record.header.zxid)}`);
					}
				}
				expect(mismatchesBefore, fact.snapshot).toBe(fact.mismatchesBeforeDigestSectionZxid);
				expect(fuzzy, fact.snapshot).toBe(fact.fuzzyTxns);
				expect(fact.mismatchesFromThere).toBe(0);
			}
		});

		it('76, 77: replaying all of it agrees with every digest', () => {
			const logged = csvLines(path.join(expected, 'digests.csv.gz'));
			const verified = verify({ dataDir: directory });
			expect(verified.mismatches).toBe(0);
			expect(verified.txns).toBe(logged.length);
			expect(verified.warnings).toEqual([]);
			expect(verifiedLine(verified)).toBe(
				`${logged.length} txns, 0 mismatches, last zxid ${logged.at(-1)![0]}, digest ${expectedState(name, logged.at(-1)![0]!.slice(2)).treeDigest}`,
			);
		});

		for (const zxid of expectedZxids(name)) {
			it(`at 0x${zxid} the tree, its ACLs and the sessions are what ZooKeeper has`, () => {
				const { tree, digest, sessions, lastZxid } = verify({ dataDir: directory, until: parseZxid(`0x${zxid}`) });
				const state = expectedState(name, zxid) as ReturnType<typeof expectedState> & {
					readonly sessions: Record<string, number>;
				};
				expect(formatZxid(lastZxid)).toBe(`0x${zxid}`);
				expect(String(digest)).toBe(state.treeDigest);
				expect(treeAsExpected(tree).filter(ownConfig(name))).toEqual(expectedTree(name, zxid).filter(ownConfig(name)));
				expect(Object.fromEntries([...sessions].map(([id, timeoutMs]) => [formatSessionId(id), timeoutMs]))).toEqual(
					state.sessions,
				);
			});
		}

		it('a replica starts from it with the tree that it ended with', async () => {
			const last = expectedZxids(name).at(-1)!;
			const progress: ReplayProgress[] = [];
			const recovered = await recover({
				dataDir: directory,
				options: { progress: (step) => progress.push(step) },
			});
			expect(formatZxid(recovered.lastZxid)).toBe(`0x${last}`);
			expect(String(recovered.tree.digest())).toBe(expectedState(name, last).treeDigest);
			expect(treeAsExpected(recovered.tree).filter(ownConfig(name))).toEqual(
				expectedTree(name, last).filter(ownConfig(name)),
			);
			expect(recovered.warnings).toEqual([]);
			expect(recovered.digestMismatches).toBe(0);
			for (const phase of ['snapshot', 'logs']) {
				const steps = progress.filter((step) => step.phase === phase);
				expect(steps.at(-1)).toMatchObject({ bytesDone: steps.at(-1)!.bytesTotal });
				expect(steps.map((step) => step.bytesDone)).toEqual(steps.map((step) => step.bytesDone).sort((a, b) => a - b));
			}
		});
	});
}

function csvLines(file: string): string[][] {
	const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
	return lines.slice(1).map((line) => line.split(','));
}

describe('snapshots of other releases', () => {
	const file = path.join(root, 'snapshot.5df');
	const original = () => readFileSync(path.join(root, 'recording-a', 'snapshot.5df'));

	/** As ZooKeeper writes a seal: the Adler-32 of all before it, and "/". */
	function sealed(bytes: Buffer): Buffer {
		const seal = Buffer.alloc(13);
		seal.writeUInt32BE(adler32(bytes), 4);
		seal.writeInt32BE(1, 8);
		seal.write('/', 12);
		return Buffer.concat([bytes, seal]);
	}

	it('3.9 writes the last processed zxid behind the digest', () => {
		const zxid = Buffer.from('00000000000005df', 'hex');
		writeFileSync(file, sealed(Buffer.concat([original(), zxid])));
		expect(readSnapshot(file, {})).toMatchObject({ nodes: 358, digest: { zxid: 0x5e0 } });
		writeFileSync(file, Buffer.concat([sealed(Buffer.concat([original(), zxid])), Buffer.alloc(1)]));
		expect(() => readSnapshot(file, {})).toThrow(/bytes behind the last seal/);
	});

	it('3.5 writes no digest section', () => {
		writeFileSync(file, original().subarray(0, -33));
		expect(readSnapshot(file, {})).toMatchObject({ nodes: 358, digest: null });
	});
});

interface Manifest {
	readonly holesFilledByASnapshotFromTheLeader?: readonly { readonly lastBefore: string; readonly snapshot: string }[];
}

describe('holes that a snapshot from the leader fills', () => {
	for (const name of recordingNames) {
		it(name, () => {
			const file = path.join(recordingDirectory(name), 'manifest.json');
			const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
			const { holes } = verify({ dataDir: path.join(root, name) });
			expect(
				holes.map(({ after, snapshot }) => ({ lastBefore: formatZxid(after), snapshot: path.basename(snapshot.path) })),
			).toEqual(
				(manifest.holesFilledByASnapshotFromTheLeader ?? []).map(({ lastBefore, snapshot }) => ({
					lastBefore,
					snapshot,
				})),
			);
		});
	}
});
