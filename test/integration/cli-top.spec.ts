/** `ck top` on a pseudo terminal and in a pipe. The server is one that this test moves; what it sends is of the generated code. */
import { Server, ServerCredentials, type ServerWritableStream, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
	AdminServiceService,
	StatusResponse,
	type WatchStatusRequest,
	WatchStatusResponse,
} from '#proto/chronokeeper/v1/admin';
import { ck, commandLine, lines, objects } from '#test/support/ck';
import type { RunningProgram } from '#test/support/processes';
import { hasTerminals, onTerminal } from '#test/support/terminal-program';

type Call = ServerWritableStream<WatchStatusRequest, WatchStatusResponse>;
let server: Server;
let address: string;
let calls: Call[];
let terminal: RunningProgram | undefined;

beforeEach(async () => {
	calls = [];
	await listen('127.0.0.1:0');
});
afterEach(async () => {
	await terminal?.stop('SIGKILL');
	terminal = undefined;
	server.forceShutdown();
});

async function listen(at: string): Promise<void> {
	server = new Server();
	const watchStatus = (call: Call) => {
		calls.push(call);
		call.write(message(0, 0));
	};
	server.addService(AdminServiceService, { watchStatus } as never);
	const port = await new Promise<number>((resolve, reject) => {
		server.bindAsync(at, ServerCredentials.createInsecure(), (error, bound) =>
			error === null ? resolve(bound) : reject(error),
		);
	});
	address = `127.0.0.1:${port}`;
}

function message(rate: number, intervalMs = 250): WatchStatusResponse {
	const latency = { p50Ms: 1, p99Ms: 2, maxMs: 3 };
	const state = StatusResponse.fromPartial({
		role: 'standalone',
		ready: true,
		lastZxid: 0x12n,
		digest: 2n ** 64n - 1n,
	});
	const operations = [{ operation: 'setData', door: 'grpc', rate, errorRate: 0, latency }];
	const connections = { zookeeper: 3 };
	return WatchStatusResponse.fromPartial({
		status: state,
		intervalMs,
		operations,
		memoryBytes: 2n ** 53n,
		connections,
	});
}

async function call(nth: number): Promise<Call> {
	await vi.waitFor(() => expect(calls.length).toBeGreaterThan(nth), { timeout: 60_000 });
	return calls[nth]!;
}

/** On a terminal of 100 columns and 30 rows. */
function open(...args: string[]): RunningProgram {
	terminal = onTerminal([...commandLine, 'top', '--server', address, ...args], {
		env: { TERM: 'xterm', NO_COLOR: '' },
		columns: 100,
		rows: 30,
	});
	return terminal;
}

const [enter, leave] = ['\x1b[?1049h\x1b[?25l', '\x1b[?25h\x1b[?1049l'];

describe.runIf(hasTerminals)('on a terminal', () => {
	it('takes the screen, shows what comes, and gives the screen back with q', async () => {
		const top = open('--interval', '0.25');
		const watched = await call(0);
		expect(watched.request.intervalMs).toBe(250);
		await top.waitFor(/measuring/);
		watched.write(message(4321));
		await top.waitFor(/4,321 writes/);
		expect(top.output).toContain(enter);
		expect(top.output).not.toContain(leave);
		top.type('q');
		expect(await top.exited).toBe(0);
		expect(top.output.endsWith(leave)).toBe(true);
		expect(top.output).not.toContain('trying again');
	});

	it('ends with Ctrl-C, and tells the server', async () => {
		const top = open();
		const watched = await call(0);
		const cancelled = new Promise((resolve) => watched.on('cancelled', resolve));
		await top.waitFor(/measuring/);
		top.type('\x03');
		expect(await top.exited).toBe(0);
		expect(top.output.endsWith(leave)).toBe(true);
		await cancelled;
	});

	it('stands still while it is paused', async () => {
		const top = open();
		const watched = await call(0);
		await top.waitFor(/measuring/);
		top.type('p');
		await top.waitFor(/paused/);
		watched.write(message(1111));
		watched.emit('error', { code: status.UNAVAILABLE, details: 'the server is shut down' });
		await top.waitFor(/the server is shut down/);
		expect(top.output).not.toContain('1,111');
		top.type('p');
		await top.waitFor(/1,111 writes/);
	});

	it('says that the server is away, and goes on when it is back', async () => {
		const top = open();
		(await call(0)).emit('error', { code: status.UNAVAILABLE, details: 'the server is shut down' });
		await top.waitFor(/the server is shut down; trying again/);
		(await call(1)).write(message(77));
		await top.waitFor(/77 writes/);
	});
});

describe('in a pipe', () => {
	const env = () => ({ CK_SERVER: address });

	it('prints a line for each interval', async () => {
		const running = ck(['top', '-n', '2'], { env: env() });
		const watched = await call(0);
		for (const rate of [10, 20]) watched.write(message(rate));
		const { status: code, stdout } = await running;
		expect(code).toBe(0);
		expect(lines(stdout)).toEqual([
			expect.stringMatching(/^standalone {2}zxid 0x12 {2}0 reads\/s {2}10 writes\/s {2}0 failed\/s {2}p99 2\.00 ms/),
			expect.stringContaining('20 writes/s'),
		]);
	});

	it('prints an object for each with --json, lossless', async () => {
		const running = ck(['top', '-n', '1', '--json'], { env: env() });
		(await call(0)).write(message(10));
		const [object] = objects((await running).stdout);
		expect(object).toMatchObject({
			intervalMs: 250,
			connections: { zookeeper: 3 },
			operations: [{ operation: 'setData', door: 'grpc', rate: 10, latency: { p99Ms: 2 } }],
			status: { lastZxid: '0x12', digest: '18446744073709551615', ready: true },
		});
	});

	it('says how to start a server when there is none, and refuses odd intervals', async () => {
		expect(await ck(['top'], { env: { CK_SERVER: '127.0.0.1:1' } })).toMatchObject({
			status: 1,
			stderr: expect.stringMatching(/^ck: cannot reach 127\.0\.0\.1:1.*\nIs the server running\?/),
		});
		expect((await ck(['top', '-i', '0'], { env: env() })).status).toBe(2);
	});
});
