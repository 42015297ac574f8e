import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataTree } from '#core/tree/data-tree';
import { openAcl } from '#jute/acl';
import { JuteWriter } from '#jute/codec';
import type { Acl } from '#jute/records';
import type { SessionId } from '#jute/scalars';
import { unpackRecording } from '#test/support/recordings';
import { bytes, creatorOnly, describeTree, History, header, session } from '#test/support/tree-history';
import { DataDirectory } from './data-directory.ts';
import { fileHeaderBytes } from './file-header.ts';
import { loadTree } from './replay.ts';
import { SnapshotStreamReader, snapshotStream } from './snapshot-stream.ts';
import { digestSectionBytes, sealBytes } from './snapshot-tail.ts';

const noSessions: ReadonlyMap<SessionId, number> = new Map();

function streamOf(tree: DataTree, sessions = noSessions): Uint8Array {
	const frozen = tree.freeze();
	frozen.sessions = sessions;
	const stream = Buffer.concat([...snapshotStream(frozen.transferable())]);
	frozen.release();
	return stream;
}

/** Feeds the stream in chunks of these sizes, the last size again and again; each chunk in memory that is overwritten afterwards. */
function readIn(stream: Uint8Array, sizes: readonly number[]) {
	const reader = new SnapshotStreamReader();
	let at = 0;
	for (let i = 0; at < stream.length; i++) {
		const size = Math.max(1, sizes[Math.min(i, sizes.length - 1)] ?? stream.length);
		const chunk = new Uint8Array(stream.subarray(at, at + size));
		at += chunk.length;
		const rest = reader.take(chunk);
		chunk.fill(0xee);
		if (rest !== null) return { reader, rest: Buffer.concat([rest, stream.subarray(at)]) };
	}
	return { reader, rest: null };
}

const acl: fc.Arbitrary<readonly Acl[]> = fc.constantFrom<readonly Acl[]>(openAcl, creatorOnly, [
	...creatorOnly,
	{ perms: 3, scheme: 'ip', id: '2001:db8::1' },
]);
const data = fc.oneof<fc.WeightedArbitrary<Uint8Array | null>[]>(
	{ weight: 8, arbitrary: fc.option(fc.uint8Array({ maxLength: 40 })) },
	{ weight: 1, arbitrary: fc.integer({ min: 100, max: 200_000 }).map((length) => new Uint8Array(length).fill(length)) },
);
const node = fc.record({
	parent: fc.nat(),
	name: fc.constantFrom('a', 'b', 'a-name-longer-than-sixteen-bytes', 'é', '名前', '😀'),
	data,
	acl,
	isEphemeral: fc.boolean(),
});
const sessionTimeouts = fc.array(fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer()), {
	maxLength: 20,
});

describe('80: a snapshot as a stream', () => {
	it('80: whatever the tree and however the bytes arrive: the same nodes, digest, ACLs and sessions, and what is behind it is left', () => {
		fc.assert(
			fc.property(
				fc.array(node, { maxLength: 80 }),
				sessionTimeouts,
				fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 50 }),
				fc.uint8Array({ maxLength: 100 }),
				(nodes, timeouts, sizes, behind) => {
					const tree = new DataTree();
					const parents = ['/'];
					let zxid = 0;
					for (const each of nodes) {
						const parent = parents[each.parent % parents.length]!;
						const at = `${parent === '/' ? '' : parent}/${each.name}`;
						const { data, acl: list, isEphemeral: ephemeral } = each;
						const txn = { kind: 'create', path: at, data, acl: list, ephemeral, parentCversion: -1 } as const;
						if (tree.apply({ header: header(++zxid), txn }).error === 0 && !ephemeral) parents.push(at);
					}
					const sessions = new Map(timeouts as [SessionId, number][]);
					const { reader, rest } = readIn(Buffer.concat([streamOf(tree, sessions), behind]), sizes);
					expect([...rest!]).toEqual([...behind]);
					expect(describeTree(reader.tree)).toEqual(describeTree(tree));
					expect(reader.tree.digest()).toBe(tree.digest());
					expect(reader.tree.aclCount).toBe(tree.aclCount);
					expect(reader.tree.ephemeralsOf(session).sort()).toEqual(tree.ephemeralsOf(session).sort());
					expect(reader.sessions).toEqual(sessions);
					expect(reader.nodes).toBe(tree.size);
				},
			),
			{ numRuns: 60 },
		);
	});

	it('80: is byte for byte what a file has between its header and its seal, and the signature', () => {
		const directory = mkdtempSync(path.join(tmpdir(), 'chronokeeper-stream-'));
		try {
			unpackRecording('recording-a', directory);
			const snapshot = new DataDirectory(directory).snapshots().at(-1)!;
			const file = readFileSync(snapshot.path);
			const items = file.subarray(fileHeaderBytes, file.length - sealBytes - digestSectionBytes - sealBytes);
			// As ZooKeeper's leader sends it: what it writes to the file, the slash included, and behind it the signature.
			const writer = new JuteWriter();
			writer.writeString('BenWasHere');
			const { reader, rest } = readIn(Buffer.concat([items, writer.view()]), [1000, 17, 4096]);
			expect(rest).toHaveLength(0);
			const loading = loadTree(snapshot);
			let step = loading.next();
			while (!step.done) step = loading.next();
			expect(reader.tree.digest()).toBe(step.value.tree.digest());
			expect(reader.tree.size).toBe(step.value.tree.size);
			expect(reader.sessions).toEqual(step.value.sessions);
			expect(streamOf(step.value.tree, step.value.sessions)).toHaveLength(items.length + writer.position);
		} finally {
			rmSync(directory, { recursive: true });
		}
	});

	it('78, 80: a fuzzy stream may name an ACL that it does not have; the log behind it brings that', () => {
		const history = new History();
		history.create('/n', null, { acl: creatorOnly });
		const frozen = history.tree.freeze();
		const stream = Buffer.concat([
			...snapshotStream({
				...frozen.transferable(),
				acls: frozen.acls.filter(([, list]) => list[0]!.scheme !== 'digest'),
			}),
		]);
		frozen.release();
		const { reader } = readIn(stream, [7]);
		expect(reader.tree.unresolvedAclCount).toBe(1);
		const txn = {
			kind: 'create',
			path: '/n',
			data: null,
			acl: creatorOnly,
			ephemeral: false,
			parentCversion: 1,
		} as const;
		reader.tree.apply({ header: header(1), txn });
		expect(reader.tree.acl('/n')).toEqual(creatorOnly);
	});

	it('80: chunks are about 64 KiB, drawn one by one, and in memory of their own', () => {
		const history = new History();
		for (let i = 0; i < 5000; i++) history.create(`/node-${i}`, bytes('x'.repeat(100)));
		const frozen = history.tree.freeze();
		const chunks = [...snapshotStream(frozen.transferable())];
		frozen.release();
		expect(chunks.length).toBeGreaterThan(10);
		expect(new Set(chunks.map(({ buffer }) => buffer)).size).toBe(chunks.length);
		for (const chunk of chunks) expect(chunk.length).toBeLessThan(66_000);
		for (const chunk of chunks.slice(0, -1)) expect(chunk.length).toBeGreaterThanOrEqual(1 << 16);
	});

	it('a frozen tree streams the state that it froze, while the tree goes on', () => {
		const history = new History();
		for (let i = 0; i < 3000; i++) history.create(`/node-${i}`, bytes('before'));
		const frozen = history.tree.freeze();
		const digest = history.tree.digest();
		const chunks = snapshotStream(frozen.transferable());
		const reader = new SnapshotStreamReader();
		let rest: Uint8Array | null = null;
		let version = 0;
		for (const chunk of chunks) {
			rest = reader.take(chunk);
			for (let i = 0; i < 3000; i += 7) {
				history.apply({ kind: 'setData', path: `/node-${i}`, data: bytes('after'), version: ++version });
			}
		}
		frozen.release();
		expect(rest).toHaveLength(0);
		expect(reader.tree.digest()).toBe(digest);
		expect(history.tree.digest()).not.toBe(digest);
	});

	describe('bytes that are no snapshot', () => {
		const small = () => {
			const history = new History();
			history.create('/a', bytes('data'), { acl: creatorOnly });
			return Buffer.from(streamOf(history.tree, new Map([[session, 10_000]])));
		};
		const expectRefused = (stream: Buffer, problem: RegExp) => {
			expect(() => readIn(stream, [5])).toThrow(problem);
			expect(() => readIn(stream, [stream.length])).toThrow(problem);
		};

		it('says what is wrong and at which byte', () => {
			const negative = small();
			negative.writeInt32BE(-3, 0);
			expectRefused(negative, /malformed at byte 0: -3 sessions are not possible/);
			const lists = small();
			lists.writeInt32BE(-7, 4 + 12 + 4 + 8);
			expectRefused(lists, /malformed at byte 20: an ACL list cannot have -7 entries/);
			const signature = small();
			signature.write('Bob', signature.length - 10);
			expectRefused(signature, /the signature behind it is missing/);
			const otherLength = small();
			otherLength.writeInt32BE(9, otherLength.length - 14);
			expectRefused(otherLength, /a signature cannot have 9 bytes/);
			const path = small();
			path.write('/b/c', path.indexOf('/zookeeper/quota'), 4);
			expectRefused(path, /malformed at byte [0-9]+: a node cannot be taken \(the snapshot has no parent/);
			const long = small();
			long.writeInt32BE(0x7fff_ffff, long.indexOf('/zookeeper/quota') - 4);
			expectRefused(long, /the length of a path, 2147483647, is not possible/);
		});

		it('a stream that breaks off is never whole, and nothing is taken behind an error', () => {
			const stream = small();
			for (let cut = 0; cut < stream.length; cut++) {
				expect(readIn(stream.subarray(0, cut), [11]).rest, `cut at ${cut}`).toBeNull();
			}
			const broken = small();
			broken.writeInt32BE(-3, 0);
			const reader = new SnapshotStreamReader();
			expect(() => reader.take(broken)).toThrow('malformed');
			expect(() => reader.take(small())).toThrow('nothing is taken');
		});

		it('any bytes: an error that says so, or a wait for more, and no memory for lengths that are only claimed', () => {
			fc.assert(
				fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(200), (noise, at) => {
					const stream = small();
					stream.set(noise.subarray(0, Math.max(0, stream.length - at)), Math.min(at, stream.length));
					try {
						readIn(stream, [50]);
					} catch (error) {
						expect((error as Error).message).toMatch(/malformed at byte/);
					}
				}),
				{ numRuns: 500 },
			);
		});
	});
});
