import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../config/config.ts';
import { electionPortOptions, observerPauses, snapshotSizeFactor, syncLimits } from './ensemble-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'ck-ensemble-options-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Server 1 of three, and what its zoo.cfg says besides. */
function member(lines: readonly string[] = []) {
	const servers = [1, 2, 3].map((id) => `server.${id}=host${id}:2888:3888;2181`);
	const file = join(folder, 'zoo.cfg');
	const given = [
		'tickTime=100',
		'initLimit=10',
		'syncLimit=5',
		'serverId=1',
		'clientPort=2181',
		'audit.mode=off',
		...servers,
		...lines,
	];
	writeFileSync(file, `${given.join('\n')}\n`);
	const config = loadConfig({ file });
	if (config.ensemble === undefined) throw new Error('it is no ensemble');
	return { config, limits: config.ensemble.limits };
}

describe('the keys of the election port', () => {
	it("have ZooKeeper's defaults", () => {
		const { config, limits } = member();
		expect(config.warnings).toEqual([]);
		const options = { connectTimeoutMs: 5000, helloTimeoutMs: 500, openAttempts: 3, keepAlive: false };
		expect(electionPortOptions(config, limits)).toEqual(options);
	});

	it('are what zoo.cfg says, without a warning', () => {
		const { config, limits } = member([
			'cnxTimeout=7',
			'quorumCnxnTimeoutMs=8',
			'electionPortBindRetry=0',
			'tcpKeepAlive=true',
		]);
		expect(config.warnings).toEqual([]);
		const options = { connectTimeoutMs: 7, helloTimeoutMs: 8, openAttempts: 0, keepAlive: true };
		expect(electionPortOptions(config, limits)).toEqual(options);
	});
});

describe('the keys of an observer', () => {
	it.each([
		{ lines: [], most: [199, 0] },
		{ lines: ['observer.election.DelayMs=1000', 'observer.reconnectDelayMs=50'], most: [999, 49] },
	])('are the end of what it waits at random: $lines', ({ lines, most }) => {
		const { config } = member(lines);
		expect(config.warnings).toEqual([]);
		const pauses = (random: number) => {
			const { beforeElection, beforeConnecting } = observerPauses(config, () => random);
			return [beforeElection(), beforeConnecting()];
		};
		expect([pauses(0), pauses(0.9999)]).toEqual([[0, 0], most]);
	});
});

describe('snapshotSizeFactor', () => {
	it.each([
		{ lines: [], factor: undefined },
		{ lines: ['snapshotSizeFactor=0.33'], factor: 0.33 },
		{ lines: ['snapshotSizeFactor=-1'], factor: -1 },
	])('is $factor with $lines', ({ lines, factor }) => {
		const { config } = member(lines);
		expect(config.warnings).toEqual([]);
		expect(snapshotSizeFactor(config)).toBe(factor);
	});
});

describe('the keys of synchronization', () => {
	it.each([
		{ lines: [], limits: { forceSnapshot: false, maxConcurrentSnapSyncs: 10, maxConcurrentDiffSyncs: 100 } },
		{
			lines: ['forceSnapshotSync=true', 'leader.maxConcurrentSnapSyncs=2', 'leader.maxConcurrentDiffSyncs=3'],
			limits: { forceSnapshot: true, maxConcurrentSnapSyncs: 2, maxConcurrentDiffSyncs: 3 },
		},
	])('are $limits with $lines', ({ lines, limits }) => {
		const { config } = member(lines);
		expect(config.warnings).toEqual([]);
		expect(syncLimits(config)).toEqual(limits);
	});
});

it('of all keys of an ensemble only syncEnabled is without effect', () => {
	const lines = ['leaderServes=no', 'maxTimeToWaitForEpoch=5', 'leader.maxTimeToWaitForEpoch=6', 'syncEnabled=false'];
	const { config } = member(lines);
	expect(config.warnings).toEqual(['without effect in this build: syncEnabled']);
	expect(config.maxTimeToWaitForEpoch).toBe(6);
});
