import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { formatZxid, makeZxid, type Zxid } from '#core/model/zxid';
import { damageRecord, writeStoredHistory } from '#test/support/stored-history';
import { planHistory } from './history-plan.ts';
import { LogSource } from './log-source.ts';

let root: string;
beforeEach(() => {
	root = mkdtempSync(path.join(tmpdir(), 'chronokeeper-source-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const z = makeZxid;
const files = () => readdirSync(path.join(root, 'version-2')).sort();
const fileOf = (name: string) => path.join(root, 'version-2', name);

function runs(): { readonly first: Zxid; readonly last: Zxid; readonly follows: boolean }[] {
	return new LogSource(root, root, () => undefined).runs(() => undefined);
}

it('3: an epoch that a log goes on from ended there', async () => {
	await writeStoredHistory(root);
	expect(runs()).toEqual([
		{ first: z(1, 1), last: z(1, 60), follows: false },
		{ first: z(2, 1), last: z(2, 40), follows: true },
	]);
});

it('3: where a log cannot be read on, its epoch did not end, whatever the next file begins with', async () => {
	await writeStoredHistory(root);
	damageRecord(fileOf(`log.${z(1, 41).toString(16)}`), z(1, 45));
	// The one that proves that there was more.
	rmSync(fileOf(`snapshot.${z(1, 50).toString(16)}`));
	expect(runs()).toEqual([
		{ first: z(1, 1), last: z(1, 44), follows: false },
		{ first: z(2, 1), last: z(2, 40), follows: false },
	]);
	const snapshotZxids = files().flatMap((name) => (name.startsWith('snapshot.') ? [zxidOf(name)] : []));
	const { segments } = planHistory([{ name: root, runs: runs(), snapshotZxids }]);
	expect(segments.map(({ first, gap }) => [formatZxid(first), gap?.kind])).toEqual([
		[formatZxid(z(1, 1)), undefined],
		[formatZxid(z(2, 1)), 'undecided'],
	]);
});

function zxidOf(name: string): Zxid {
	return Number.parseInt(name.split('.')[1]!, 16) as Zxid;
}
