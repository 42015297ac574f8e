/** recording-d-damaged: what ZooKeeper 3.8 does with each damage, and what Chronokeeper does. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatZxid } from '#core/model/zxid';
import { fingerprint } from '#test/support/fingerprint';
import { recordingDirectory, unpackDamaged, unpackRecording } from '#test/support/recordings';
import { StorageDamage } from './damage.ts';
import { type Recovered, recover } from './recovery.ts';

interface ZooKeeperOutcome {
	readonly case: string;
	readonly firstStart: {
		readonly starts: boolean;
		readonly lastZxid?: string;
		readonly treeDigest?: string;
		readonly digestMismatchesCounted?: string;
	};
}

const outcomes = (
	JSON.parse(readFileSync(path.join(recordingDirectory('recording-d-damaged'), 'outcomes.json'), 'utf8')) as {
		readonly cases: readonly ZooKeeperOutcome[];
	}
).cases;

const complete = { zxid: '0x4e42', digest: 4072018188466n };
const torn = { zxid: '0x4e41', digest: 4072018188466n };

/** Starts: the last zxid, the snapshot used, and a warning when one is due. */
interface Starts {
	readonly does: 'starts';
	readonly with: { readonly zxid: string; readonly digest: bigint };
	readonly snapshot: string;
	readonly warning?: RegExp;
}
/** Refuses: the file, the byte (when it has one) and the zxid that the message names. */
interface Refuses {
	readonly does: 'refuses';
	readonly file: string;
	readonly offset?: number;
	readonly zxid: string;
	readonly problem: RegExp;
}
/** How it compares: the same outcome, a start where ZooKeeper dies, or a refusal or a right tree where ZooKeeper is silently wrong. */
type Compared =
	| 'as ZooKeeper'
	| 'starts where ZooKeeper dies'
	| 'refuses where ZooKeeper loses'
	| 'right where ZooKeeper doubts';

const newest = 'snapshot.49be';
const older = 'snapshot.4445';
const passedOver = /snapshot\.49be.*passed over/;

const table: Readonly<Record<string, readonly [Compared, Starts | Refuses]>> = {
	control: ['as ZooKeeper', { does: 'starts', with: complete, snapshot: newest }],
	'log-torn-cut': [
		'as ZooKeeper',
		{ does: 'starts', with: torn, snapshot: newest, warning: /log\.49bd at byte 157553.*ends 36 bytes into a record/ },
	],
	'log-torn-cut-in-header': [
		'as ZooKeeper',
		{ does: 'starts', with: torn, snapshot: newest, warning: /log\.49bd at byte 157553.*checksum and length/ },
	],
	'log-torn-zeros': [
		'as ZooKeeper',
		{ does: 'starts', with: torn, snapshot: newest, warning: /log\.49bd at byte 157553.*end mark/ },
	],
	'log-no-end-mark': [
		'as ZooKeeper',
		{ does: 'starts', with: torn, snapshot: newest, warning: /log\.49bd at byte 157553.*end mark/ },
	],
	'log-flipped-bit-middle': [
		'as ZooKeeper',
		{ does: 'refuses', file: 'log.49bd', offset: 86750, zxid: '0x4c00', problem: /checksum/ },
	],
	'log-flipped-bit-last-record': [
		'as ZooKeeper',
		{ does: 'refuses', file: 'log.49bd', offset: 157553, zxid: '0x4e42', problem: /checksum/ },
	],
	'log-flipped-bit-length': [
		'as ZooKeeper',
		{ does: 'refuses', file: 'log.49bd', offset: 86750, zxid: '0x4c00', problem: /length of a record, -2147483296/ },
	],
	'log-huge-length': [
		'as ZooKeeper',
		{ does: 'refuses', file: 'log.49bd', offset: 86750, zxid: '0x4c00', problem: /length of a record, 1073742176/ },
	],
	'log-zero-length-field': [
		'refuses where ZooKeeper loses',
		{
			does: 'refuses',
			file: 'log.49bd',
			offset: 86750,
			zxid: '0x4c00',
			problem: /zeros.*578 sound records.*0x4c01 at byte 87115/,
		},
	],
	'log-old-flipped-bit': ['as ZooKeeper', { does: 'starts', with: complete, snapshot: newest }],
	'log-wrong-data-right-checksum': [
		'refuses where ZooKeeper loses',
		{
			does: 'refuses',
			file: 'log.49bd',
			offset: 86750,
			zxid: '0x4c00',
			problem: /digest 4212790865337, its record says 4212778858781/,
		},
	],
	'log-bad-magic': [
		'as ZooKeeper',
		{ does: 'refuses', file: 'log.49bd', offset: 0, zxid: '0x49bd', problem: /invalid magic number 0x5a5b4c47/ },
	],
	'log-empty-extra': [
		'starts where ZooKeeper dies',
		{ does: 'starts', with: complete, snapshot: newest, warning: /log\.4e43: the file has only 0 bytes/ },
	],
	'log-empty-last': [
		'as ZooKeeper',
		{
			does: 'refuses',
			file: newest,
			zxid: '0x49c1',
			problem: /logs end with 0x49be.*log\.49bd: the file has only 0 bytes/,
		},
	],
	'log-empty-middle': [
		'as ZooKeeper',
		{
			does: 'refuses',
			file: 'log.49bd',
			offset: 16,
			zxid: '0x4446',
			problem: /from 0x4446.*missing.*log\.4446: the file has only 0 bytes/,
		},
	],
	'log-header-only-extra': ['as ZooKeeper', { does: 'starts', with: complete, snapshot: newest }],
	'log-header-and-zeros-extra': ['as ZooKeeper', { does: 'starts', with: complete, snapshot: newest }],
	'log-half-header-extra': [
		'starts where ZooKeeper dies',
		{ does: 'starts', with: complete, snapshot: newest, warning: /log\.4e43: the file has only 8 bytes/ },
	],
	'log-missing-middle': [
		'refuses where ZooKeeper loses',
		{
			does: 'refuses',
			file: 'log.49bd',
			offset: 16,
			zxid: '0x4446',
			problem: /next transaction is 0x49bd.*snapshot\.4445 ends with 0x4445/,
		},
	],
	'log-missing-last': [
		'refuses where ZooKeeper loses',
		{ does: 'refuses', file: newest, zxid: '0x49c1', problem: /up to 0x49c1, and the logs end with 0x49be/ },
	],
	'logs-all-missing': [
		'refuses where ZooKeeper loses',
		{ does: 'refuses', file: newest, zxid: '0x49c1', problem: /up to 0x49c1, and the logs end with 0x49be/ },
	],
	'snapshot-flipped-bit': ['as ZooKeeper', { does: 'starts', with: complete, snapshot: older, warning: passedOver }],
	'snapshot-flipped-bit-digest': [
		'as ZooKeeper',
		{ does: 'starts', with: complete, snapshot: older, warning: passedOver },
	],
	'snapshot-cut': ['as ZooKeeper', { does: 'starts', with: complete, snapshot: older, warning: passedOver }],
	'snapshot-cut-digest-section': ['right where ZooKeeper doubts', { does: 'starts', with: complete, snapshot: newest }],
	'snapshot-zero-length': ['as ZooKeeper', { does: 'starts', with: complete, snapshot: older, warning: passedOver }],
	'snapshot-newest-missing': ['as ZooKeeper', { does: 'starts', with: complete, snapshot: older }],
	'snapshots-all-flipped': [
		'as ZooKeeper',
		{ does: 'refuses', file: newest, zxid: '0x49be', problem: /no snapshot of 12/ },
	],
	'snapshots-all-missing': [
		'as ZooKeeper',
		{ does: 'refuses', file: '', zxid: '0x1', problem: /no snapshot, but there are log entries/ },
	],
	'snapshot-bad-magic': ['as ZooKeeper', { does: 'starts', with: complete, snapshot: older, warning: passedOver }],
	'snapshot-wrong-digest-right-checksum': [
		'right where ZooKeeper doubts',
		{
			does: 'starts',
			with: complete,
			snapshot: older,
			warning: /snapshot\.49be is wrong although its checksums are right/,
		},
	],
};

async function inDirectory<T>(fill: (directory: string) => void, use: (directory: string) => Promise<T>): Promise<T> {
	const directory = mkdtempSync(path.join(tmpdir(), 'chronokeeper-damaged-'));
	try {
		fill(directory);
		return await use(directory);
	} finally {
		rmSync(directory, { recursive: true });
	}
}

/** Recovers, and sees that nothing on disk was changed by that. */
async function outcomeOf(directory: string, options = {}): Promise<Recovered | StorageDamage> {
	const before = fingerprint(directory);
	const outcome = await recover({ dataDir: directory, options }).catch((error: unknown) => error);
	expect(fingerprint(directory)).toEqual(before);
	if (outcome instanceof Error && !(outcome instanceof StorageDamage)) throw outcome;
	return outcome as Recovered | StorageDamage;
}

describe('damaged files', () => {
	it('has a line for every case of the recording', () => {
		expect(Object.keys(table).sort()).toEqual(outcomes.map((outcome) => outcome.case).sort());
	});

	for (const { case: name, firstStart: zookeeper } of outcomes) {
		const [compared, expected] = table[name]!;
		it(`${name}: ${expected.does}, ${compared}`, async () => {
			const outcome = await inDirectory((directory) => unpackDamaged(name, directory), outcomeOf);
			if (expected.does === 'starts') expectStart(outcome, expected);
			else expectRefusal(outcome, expected);
			expectComparison(compared, outcome, zookeeper);
		});
	}

	function expectStart(outcome: Recovered | StorageDamage, expected: Starts): void {
		if (outcome instanceof StorageDamage) throw outcome;
		expect(formatZxid(outcome.lastZxid)).toBe(expected.with.zxid);
		expect(outcome.tree.digest()).toBe(expected.with.digest);
		expect(outcome.tree.lastProcessedZxid).toBe(outcome.lastZxid);
		expect(path.basename(outcome.snapshot!.path)).toBe(expected.snapshot);
		expect(outcome.digestMismatches).toBe(0);
		expect(outcome.snapshotDue).toBe(expected.warning !== undefined);
		expect(outcome.warnings).toHaveLength(expected.warning === undefined ? 0 : 1);
		if (expected.warning !== undefined) expect(outcome.warnings[0]).toMatch(expected.warning);
	}

	function expectRefusal(outcome: Recovered | StorageDamage, expected: Refuses): void {
		if (!(outcome instanceof StorageDamage)) throw new Error(`it starts at ${formatZxid(outcome.lastZxid)}`);
		if (expected.file !== '') expect(path.basename(outcome.file)).toBe(expected.file);
		expect(outcome.offset).toBe(expected.offset);
		expect(formatZxid(outcome.zxid!)).toBe(expected.zxid);
		expect(outcome.problem).toMatch(expected.problem);
		expect(outcome.advice).toMatch(/Nothing was changed/);
		for (const named of [outcome.file, expected.zxid, outcome.advice]) expect(outcome.message).toContain(named);
	}

	/** That the table's comparison says what the recording says. */
	function expectComparison(
		compared: Compared,
		outcome: Recovered | StorageDamage,
		zookeeper: ZooKeeperOutcome['firstStart'],
	): void {
		const starts = !(outcome instanceof StorageDamage);
		if (compared === 'as ZooKeeper') {
			expect(starts).toBe(zookeeper.starts);
			if (!starts) return;
			expect(formatZxid(outcome.lastZxid)).toBe(zookeeper.lastZxid);
			expect(String(outcome.tree.digest())).toBe(zookeeper.treeDigest);
			expect(zookeeper.digestMismatchesCounted).toBe('0');
		} else if (compared === 'starts where ZooKeeper dies') {
			expect([starts, zookeeper.starts]).toEqual([true, false]);
		} else if (compared === 'refuses where ZooKeeper loses') {
			expect([starts, zookeeper.starts]).toEqual([false, true]);
			const lost = zookeeper.lastZxid !== complete.zxid || zookeeper.treeDigest !== String(complete.digest);
			expect(lost || zookeeper.digestMismatchesCounted !== '0').toBe(true);
		} else {
			expect([starts, zookeeper.starts]).toEqual([true, true]);
			expect(zookeeper.digestMismatchesCounted).not.toBe('0');
		}
	}
});

describe('what the operator can do', () => {
	it('goes on over a digest mismatch when that is allowed, and says which it was', async () => {
		const outcome = await inDirectory(
			(directory) => unpackDamaged('log-wrong-data-right-checksum', directory),
			(directory) => outcomeOf(directory, { allowDigestMismatch: true }),
		);
		if (outcome instanceof StorageDamage) throw outcome;
		expect(formatZxid(outcome.lastZxid)).toBe('0x4e42');
		expect(outcome.digestMismatches).toBe(1);
		expect(outcome.firstMismatch).toMatchObject({ zxid: 0x4c00, offset: 86750, inSection: false });
		expect(outcome.warnings.join()).toMatch(
			/1 digests? differ.*0x4c00.*log\.49bd at byte 86750.*allowed explicitly.*default charset/,
		);
	});

	it('the refusal over a digest names the harmless causes and the option', async () => {
		const outcome = await inDirectory(
			(directory) => unpackDamaged('log-wrong-data-right-checksum', directory),
			outcomeOf,
		);
		expect((outcome as StorageDamage).advice).toMatch(
			/charset.*container.*plain create.*recovery\.allowDigestMismatch=true/,
		);
	});

	for (const name of ['snapshots-all-missing', 'snapshots-all-flipped']) {
		it(`${name}: the logs alone are enough when they are complete and trusted`, async () => {
			const outcome = await inDirectory(
				(directory) => unpackDamaged(name, directory),
				(directory) => outcomeOf(directory, { trustEmptySnapshots: true }),
			);
			if (outcome instanceof StorageDamage) throw outcome;
			expect(formatZxid(outcome.lastZxid)).toBe('0x4e42');
			expect(outcome.tree.digest()).toBe(complete.digest);
			expect(outcome.txnsReplayed).toBe(20034);
			expect(outcome.snapshot).toBeNull();
		});
	}

	it('logs that do not begin with the first transaction are not enough, trusted or not', async () => {
		const outcome = await inDirectory(
			(directory) => unpackRecording('recording-a', directory, (file) => file.startsWith('log.') && file !== 'log.1'),
			(directory) => outcomeOf(directory, { trustEmptySnapshots: true }),
		);
		expectHole(outcome, '0x1');
	});

	it('a damaged snapshot whose logs are gone as well is not replaced by an older state', async () => {
		const outcome = await inDirectory((directory) => {
			unpackDamaged('snapshot-cut', directory);
			rmSync(path.join(directory, 'log.49bd'));
		}, outcomeOf);
		expect(outcome).toMatchObject({ zxid: 0x49be, problem: expect.stringContaining('history ends with 0x49bc') });
	});

	function expectHole(outcome: Recovered | StorageDamage, zxid: string): void {
		if (!(outcome instanceof StorageDamage)) throw new Error('it starts');
		expect(formatZxid(outcome.zxid!)).toBe(zxid);
		expect(outcome.problem).toMatch(/missing/);
	}
});
