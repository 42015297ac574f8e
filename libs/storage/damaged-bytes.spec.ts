/** Any bytes at all: what comes out is records, an end, or damage that is named, and never more memory than the file is large. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Zxid } from '#core/model/zxid';
import type { StoredStat } from '#jute/records';
import { RecordingListener, sampleRecord } from '#test/contract/txn-log.contract';
import { expectEqual } from '#test/support/equal';
import { unpackRecording } from '#test/support/recordings';
import { LogDamage, SnapshotDamage, StorageDamage } from './damage.ts';
import { readLogs } from './history-reader.ts';
import { lacksChecksum, lacksSectors } from './lost-sectors.ts';
import { recover } from './recovery.ts';
import { readSnapshot } from './snapshot-reader.ts';
import { type SnapshotContent, writeSnapshotFile } from './snapshot-writer.ts';
import { FileTxnLog } from './txn-log.ts';

const root = mkdtempSync(path.join(tmpdir(), 'chronokeeper-bytes-'));
afterAll(() => rmSync(root, { recursive: true }));

let log: Buffer;
let snapshot: Buffer;
beforeAll(() => {
	unpackRecording('recording-a', path.join(root, 'a'));
	log = readFileSync(path.join(root, 'a', 'log.1')).subarray(0, 60_000);
	snapshot = readFileSync(path.join(root, 'a', 'snapshot.5df'));
});

type Damage =
	| { readonly kind: 'cut'; readonly at: number }
	| { readonly kind: 'byte'; readonly at: number; readonly value: number }
	| { readonly kind: 'zeros'; readonly at: number; readonly length: number }
	| { readonly kind: 'int'; readonly at: number; readonly value: number };

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const damages: fc.Arbitrary<Damage> = fc.oneof(
	fc.record({ kind: fc.constant('cut' as const), at: place }),
	fc.record({ kind: fc.constant('byte' as const), at: place, value: fc.nat(255) }),
	fc.record({ kind: fc.constant('zeros' as const), at: place, length: fc.nat(5000) }),
	fc.record({
		kind: fc.constant('int' as const),
		at: place,
		value: fc.constantFrom(-1, -2, 0, 1, 0x7fffffff, 0x40000000, -0x80000000, 0x00ffffff),
	}),
);

function damaged(original: Buffer, damage: Damage): Buffer {
	const at = Math.floor(damage.at * original.length);
	if (damage.kind === 'cut') return original.subarray(0, at);
	const bytes = Buffer.from(original);
	if (damage.kind === 'byte') bytes[at] = damage.value;
	else if (damage.kind === 'zeros') bytes.fill(0, at, Math.min(bytes.length, at + damage.length));
	else bytes.writeInt32BE(damage.value, Math.min(at, bytes.length - 4));
	return bytes;
}

describe('damaged bytes', () => {
	it('in a log: the records before the damage, and then an end or a LogDamage', () => {
		const file = path.join(root, 'log.1');
		writeFileSync(file, log);
		const whole = [...readLogs(root)];
		expect(whole.length).toBeGreaterThan(100);
		fc.assert(
			fc.property(damages, (damage) => {
				const bytes = damaged(log, damage);
				writeFileSync(file, bytes);
				const changedAt = Buffer.from(log).findIndex((byte, index) => byte !== bytes[index]);
				const intact = whole.filter((entry) => changedAt === -1 || entry.offset + entry.length <= changedAt);
				const found: unknown[] = [];
				try {
					for (const entry of readLogs(root)) found.push(entry.record);
				} catch (error) {
					if (!(error instanceof LogDamage)) throw error;
					expect(error.file).toBe(file);
				}
				expectEqual(
					found.slice(0, intact.length),
					intact.map((entry) => entry.record),
				);
			}),
			{ numRuns: 300 },
		);
	});

	it('in a snapshot: a SnapshotDamage, or the same content', () => {
		const file = path.join(root, 'snapshot.5df');
		writeFileSync(file, snapshot);
		const summary = readSnapshot(file, {});
		fc.assert(
			fc.property(damages, (damage) => {
				const bytes = damaged(snapshot, damage);
				writeFileSync(file, bytes);
				try {
					const found = readSnapshot(file, {});
					// Only the digest section may be missing, as in a snapshot of ZooKeeper 3.5; version and dbid are not looked at.
					if (found.digest === null) expect(found.nodes).toBe(summary.nodes);
					else expect(bytes.subarray(16).equals(snapshot.subarray(16))).toBe(true);
				} catch (error) {
					if (!(error instanceof SnapshotDamage)) throw error;
					expect(error.offset).toBeLessThanOrEqual(bytes.length);
				}
			}),
			{ numRuns: 300 },
		);
	});

	it('that never were files of ours are named as such', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, withHeader) => {
				const directory = mkdtempSync(path.join(root, 'noise-'));
				writeFileSync(path.join(directory, 'log.1'), withHeader ? Buffer.concat([log.subarray(0, 16), noise]) : noise);
				writeFileSync(
					path.join(directory, 'snapshot.0'),
					withHeader ? Buffer.concat([snapshot.subarray(0, 16), noise]) : noise,
				);
				expectRecordsOrDamage(() => [...readLogs(directory)]);
				expectRecordsOrDamage(() => readSnapshot(path.join(directory, 'snapshot.0'), {}));
				rmSync(directory, { recursive: true });
			}),
			{ numRuns: 200 },
		);
	});

	it('anywhere in a data directory: recovery gives the right tree or a StorageDamage', async () => {
		const directory = path.join(root, 'b');
		unpackRecording('recording-a', directory, (file) => /^(log\.1|log\.5e0|snapshot\.0|snapshot\.5df)$/.test(file));
		const files = ['log.5e0', 'snapshot.5df', 'snapshot.0', 'log.1'].map((name) => path.join(directory, name));
		const originals = files.map((file) => readFileSync(file));
		const right = await recover({ dataDir: directory });
		const [lastEntry] = [...readLogs(directory, right.lastZxid)];
		const recordsEnd = lastEntry!.offset + lastEntry!.length;
		await fc.assert(
			fc.asyncProperty(damages, fc.nat(3), async (damage, which) => {
				writeFileSync(files[which]!, damaged(originals[which]!, damage));
				const outcome = await recover({ dataDir: directory }).catch((error: unknown) => error);
				writeFileSync(files[which]!, originals[which]!);
				if (outcome instanceof StorageDamage) return;
				if (outcome instanceof Error) throw outcome;
				const { lastZxid, tree } = outcome as typeof right;
				if (lastZxid === right.lastZxid) expect(tree.digest()).toBe(right.tree.digest());
				// A log can end earlier when it was cut, or when its last records are gone: nothing tells that from a torn write.
				else
					expect(which === 0 && (damage.kind === 'cut' || damage.at * originals[0]!.length > recordsEnd - 6000)).toBe(
						true,
					);
				expect(lastZxid).toBeLessThanOrEqual(right.lastZxid);
			}),
			{ numRuns: 120 },
		);
	});

	function expectRecordsOrDamage(read: () => unknown): void {
		try {
			read();
		} catch (error) {
			if (!(error instanceof StorageDamage)) throw error;
		}
	}
});

describe('a snapshot with right checksums whose content no tree can have', () => {
	const stat = {
		czxid: 0,
		mzxid: 0,
		ctime: 0,
		mtime: 0,
		version: 0,
		cversion: 0,
		aversion: 0,
		ephemeralOwner: 0n,
		pzxid: 0,
	} as StoredStat;
	const top = { path: '/', data: null, aclId: -1, stat };
	const orphan = { path: '/a/b', data: null, aclId: -1, stat };
	const contents: Readonly<Record<string, Pick<SnapshotContent, 'acls' | 'nodes'>>> = {
		'an ACL number twice': {
			acls: [
				[1, []],
				[1, []],
			],
			nodes: [top],
		},
		'an ACL number that is none': { acls: [[-7, []]], nodes: [top] },
		'a node without its parent': { acls: [], nodes: [top, orphan] },
		'a node twice': { acls: [], nodes: [top, top] },
	};
	for (const [what, content] of Object.entries(contents)) {
		it(`${what}: it is passed over`, async () => {
			const directory = mkdtempSync(path.join(root, 'content-'));
			writeSnapshotFile(directory, { zxid: 0 as Zxid, sessions: new Map(), ...content }, 0n);
			const { warnings, snapshot: used, snapshotDue } = await recover({ dataDir: directory });
			expect(warnings).toEqual([expect.stringMatching(/snapshot\.0 at byte \d+: .* cannot be taken .*passed over/)]);
			expect([used, snapshotDue]).toEqual([null, true]);
		});
	}
});

describe('a page of zeros in our own log', () => {
	async function writtenLog(inOneBatch: boolean): Promise<{ file: string; bytes: Buffer; directory: string }> {
		const directory = mkdtempSync(path.join(root, 'page-'));
		const listener = new RecordingListener();
		const logUnderTest = new FileTxnLog({ directory, lastZxid: 0 as Zxid }, listener);
		for (let zxid = 1; zxid <= 60; zxid++) {
			logUnderTest.append([sampleRecord(zxid, 300)]);
			if (!inOneBatch) await listener.reached(zxid);
		}
		await logUnderTest.close();
		const file = path.join(directory, 'log.1');
		return { file, bytes: readFileSync(file), directory };
	}

	it('among records that were acknowledged is damage', async () => {
		const { file, bytes, directory } = await writtenLog(false);
		writeFileSync(file, Buffer.from(bytes).fill(0, 8192, 12_288));
		expect(() => [...readLogs(directory)]).toThrow(
			/sound records.*behind: transactions between 0x[0-9a-f]+ and 0x[0-9a-f]+ are missing/,
		);
	});

	it('in the last write is the end, with a warning: none of it was acknowledged', async () => {
		const { file, bytes, directory } = await writtenLog(true);
		writeFileSync(file, Buffer.from(bytes).fill(0, 8192, 12_288));
		const warnings: string[] = [];
		const found = [...readLogs(directory, 0 as Zxid, { warn: (warning) => warnings.push(warning) })];
		expect(found.length).toBeGreaterThan(10);
		expect(found.length).toBeLessThan(25);
		expect(warnings).toEqual([expect.stringMatching(/has a hole at byte.*none of them was ever acknowledged/)]);
	});
});

describe('lost sectors', () => {
	const ones = (length: number) => new Uint8Array(length).fill(1);

	it('are zeros from one sector boundary to another', () => {
		expect(lacksSectors(ones(4096).fill(0, 512, 1024), 0, 4096, 0)).toBe(true);
		expect(lacksSectors(ones(4096).fill(0, 1024, 4096), 0, 4096, 0)).toBe(true);
		expect(lacksSectors(ones(4096).fill(0, 412, 924), 0, 4096, 100)).toBe(true);
	});

	it('are the beginning of a checksum, when what is left of it is right', () => {
		for (const [offset, lost, found] of [
			[512 - 8, [0, 0, 0, 0, 0, 0, 0, 0], true],
			[512 - 10, [0, 0, 0, 0, 0, 0, 0, 0], true],
			[512 - 7, [0, 0, 0, 0, 0, 0, 0, 0x78], true],
			[512 - 5, [0, 0, 0, 0, 0, 0x34, 0x56, 0x78], true],
			[512 - 7, [0, 0, 0, 0, 0, 0, 0, 0x79], false],
			[512 - 7, [0, 0, 0, 0, 0, 1, 0, 0x78], false],
			[512 - 5, [0, 0, 0, 0, 0, 0x34, 0x57, 0x78], false],
			[512 - 4, [0, 0, 0, 0, 0, 0x34, 0x56, 0x78], false],
			[512 - 12, [0, 0, 0, 0, 0, 0, 0, 0], false],
			[0, [0, 0, 0, 0, 0, 0, 0, 0], false],
		] as const)
			expect(lacksChecksum(Uint8Array.from([9, ...lost]), 1, offset, 0x12345678)).toBe(found);
	});

	it('are not zeros that begin or end elsewhere, or that are fewer', () => {
		expect(lacksSectors(ones(4096), 0, 4096, 0)).toBe(false);
		expect(lacksSectors(ones(4096).fill(0, 500, 1024), 0, 4096, 0)).toBe(false);
		expect(lacksSectors(ones(4096).fill(0, 512, 1030), 0, 4096, 0)).toBe(false);
		expect(lacksSectors(ones(4096).fill(0, 512, 1000), 0, 4096, 0)).toBe(false);
		expect(lacksSectors(ones(400).fill(0, 10, 300), 0, 400, 0)).toBe(false);
	});
});
