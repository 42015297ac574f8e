/** What `ck log --verify` says of damaged directories: stricter than a start, which does not look at what it does not need. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { unpackDamaged } from '#test/support/recordings';
import { type Verified, verifiedLine, verify } from './verify.ts';

const complete = '20034 txns, 0 mismatches, last zxid 0x4e42, digest 4072018188466';

function verifyDamaged(damage: string): Verified {
	const dataDir = mkdtempSync(path.join(tmpdir(), 'chronokeeper-verify-'));
	try {
		unpackDamaged(damage, dataDir);
		return verify({ dataDir });
	} finally {
		rmSync(dataDir, { recursive: true });
	}
}

for (const [damage, line, files] of [
	['control', complete, []],
	['snapshots-all-missing', complete, []],
	['snapshot-flipped-bit', complete, [/snapshot\.49be at byte \d+/]],
	['snapshots-all-flipped', complete, Array<RegExp>(12).fill(/snapshot\.[0-9a-f]+ at byte \d+/)],
	[
		'log-old-flipped-bit',
		'4110 txns, 0 mismatches, last zxid 0x100e, digest 1460392290626',
		[/log\.fe7 at byte 7671 \(zxid 0x100f\)/],
	],
	[
		'log-missing-middle',
		'17477 txns, 0 mismatches, last zxid 0x4445, digest 3991730134557',
		[/log\.49bd at byte 16 \(zxid 0x4446\)/],
	],
	[
		'log-missing-last',
		'18876 txns, 0 mismatches, last zxid 0x49bc, digest 4179440877830',
		[/snapshot\.49be \(zxid 0x49bd\): the logs end at 0x49bc/],
	],
	['log-wrong-data-right-checksum', '20034 txns, 1 mismatches, last zxid 0x4e42, digest 4072018188466', []],
] as const) {
	it(`${damage}: counts what agrees and names what is damaged`, () => {
		const verified = verifyDamaged(damage);
		expect(verifiedLine(verified)).toBe(line);
		expect(verified.damage).toHaveLength(files.length);
		for (const [i, file] of files.entries()) expect(verified.damage[i]!.message).toMatch(file);
	});
}
