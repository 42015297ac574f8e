import { describe, expect, it } from 'vitest';
import type { StatusResponse, WatchStatusResponse } from '#client/client';
import { width } from '../view/table.ts';
import { dashboard, type Line, sparkline, type View } from './dashboard.ts';
import { totalsOf } from './totals.ts';

const latency = { p50Ms: 0.25, p99Ms: 12.34, maxMs: 1234 };
const status: StatusResponse = {
	version: '0.1.0',
	role: 'follower',
	serverId: 2,
	lastZxid: 0x5_0000_0012n,
	digest: 7n,
	znodes: 12_345n,
	ephemerals: 3n,
	sessions: 10,
	approximateDataSize: 2n ** 20n,
	outstanding: 4,
	uptimeMs: 61_000n,
	dataDir: '/data',
	dataLogDir: '/data',
	ready: true,
	problems: [],
	mirror: { mode: 'async', state: 'in-step', mirroredZxid: 1n, lagTxns: 5n, lagSeconds: 0.2, lastError: '' },
	lastSnapshot: undefined,
	ensemble: {
		version: 0n,
		leader: 1,
		members: [1, 2, 3].map((serverId) => ({ serverId, role: 'participant', address: '' })),
	},
};
const activity: WatchStatusResponse = {
	status,
	intervalMs: 1000,
	operations: [
		{ operation: 'setData', door: 'grpc', rate: 100, errorRate: 0, latency },
		{ operation: 'getData', door: 'zookeeper', rate: 2000, errorRate: 0.5, latency: { ...latency, p99Ms: 99 } },
	],
	logSync: latency,
	batchSize: 3.25,
	eventLoopDelay: latency,
	cpu: 0.456,
	memoryBytes: 2n ** 27n,
	connections: { zookeeper: 7, 'grpc-session': 2 },
	watches: 1_000n,
};

function view(changes: Partial<WatchStatusResponse> = {}, more: Partial<View> = {}): View {
	const shown = { ...activity, ...changes };
	return {
		address: 'r:1',
		activity: shown,
		totals: totalsOf(shown),
		rates: [0, 50, 100],
		isPaused: false,
		problem: '',
		...more,
	};
}

function texts(lines: readonly Line[]): string[] {
	return lines.map((line) => line.map(({ text }) => text).join(''));
}

const screen = (shown: View, columns = 120, rows = 40) => texts(dashboard(shown, columns, rows)).join('\n');

describe('the screen of ck top', () => {
	it('has who it is, what is there and what happens', () => {
		const text = screen(view());
		for (const part of [
			'r:1  follower (server 2 of 3, server 1 leads)  serves in full   up 1 min 1 s   every 1.0 s',
			'12,345 znodes (3 ephemeral), 1.0 MiB   zxid 0x500000012',
			'2,100 operations/s: 2,000 reads, 100 writes, 0.5 failed',
			'10 sessions, 1,000 watches, 4 outstanding   connections: 7 zookeeper, 2 grpc-session',
			'46 % of a processor, 128 MiB resident',
			'log sync p50 0.25 ms, p99 12.3 ms, max 1,234 ms   3.3 requests in a batch',
			'mirror   in-step (async), 5 txns behind (0.2 s)',
		]) {
			expect(text).toContain(part);
		}
	});

	it('has the operations, the busiest first, with their times', () => {
		const lines = screen(view()).split('\n');
		const table = lines.slice(lines.findIndex((line) => line.startsWith('OPERATION')));
		expect(table.slice(0, 3).map((line) => line.split(/ {2,}/))).toEqual([
			['OPERATION', 'DOOR', 'RATE/s', 'FAILED/s', 'P50 ms', 'P99 ms', 'MAX ms'],
			['getData', 'zookeeper', '2,000', '0.5', '0.25', '99.0', '1,234'],
			['setData', 'grpc', '100', '0', '0.25', '12.3', '1,234'],
		]);
	});

	it.each([
		[120, 40],
		[40, 12],
		[10, 3],
		[1, 1],
	])('stays inside %i columns and %i rows', (columns, rows) => {
		const lines = dashboard(view(), columns, rows);
		expect(lines.length).toBeLessThanOrEqual(rows);
		for (const text of texts(lines)) expect(width(text)).toBeLessThanOrEqual(columns);
	});

	it('says what is wrong, and shows nothing that would move the cursor', () => {
		const shown = view(
			{ status: { ...status, ready: false, problems: ['no \x1b[2J leader'] } },
			{ problem: 'cannot reach r:1' },
		);
		const text = screen(shown);
		expect(text).toContain('does not serve in full');
		expect(text).toContain('cannot reach r:1');
		expect(text).toContain('no \\u001b[2J leader');
	});

	it('does without what a server does not say, and without rates at first', () => {
		const first = view({
			status: undefined,
			intervalMs: 0,
			operations: [],
			logSync: undefined,
			eventLoopDelay: undefined,
		});
		expect(screen(first)).toMatch(/^ck top r:1 {3}measuring\n/);
		expect(screen({ ...first, isPaused: true })).toMatch(/^ck top r:1 {3}paused\n/);
	});
});

it('a chart is as high as its highest rate', () => {
	expect(sparkline([0, 50, 100])).toBe('▁▅█');
	expect(sparkline([0, 0])).toBe('▁▁');
});
