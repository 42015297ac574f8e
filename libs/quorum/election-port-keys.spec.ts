import { once } from 'node:events';
import fs from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Notification } from '#core/ports/election-network';
import { readNotification, writeNotification } from '#jute/quorum/notification';
import { freePorts } from '#test/support/processes';
import { closeAll, eventually, host, openPorts, openServers } from '#test/support/quorum-links';
import { ElectionPort, type ElectionPortOptions } from './election-port.ts';
import { systemAfter } from './sockets.ts';

const vote: Notification = { state: 'looking', leader: 1, zxid: 0, electionEpoch: 1, peerEpoch: 0, config: null };

afterEach(closeAll);

function member(id: number, ports: readonly number[], options: Partial<ElectionPortOptions> = {}) {
	const warnings: string[] = [];
	const port = new ElectionPort({
		serverId: id,
		addresses: [{ host, port: ports[id - 1]! }],
		addressesOf: (other) => [{ host, port: ports[other - 1]! }],
		encode: writeNotification,
		decode: readNotification,
		warn: (message) => warnings.push(message),
		...options,
	});
	openPorts.add(port);
	return { port, warnings, open: () => port.open({ notified: () => {} }) };
}

async function occupied(port: number): Promise<Server> {
	const server = createServer();
	openServers.add(server);
	server.listen(port, host);
	await once(server, 'listening');
	return server;
}

/** The timers of established connections from or to this port, as Linux names them: 02 is keep-alive's. */
function timersOf(port: number): string[] {
	const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
	const rows = fs.readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
	return rows
		.map((row) => row.trim().split(/\s+/))
		.filter(([, local, remote, state]) => state === '01' && (local!.endsWith(suffix) || remote!.endsWith(suffix)))
		.map(([, , , , , timer]) => timer!.slice(0, 2));
}

describe('electionPortBindRetry', () => {
	it('is how often an address that is in use is tried in all', async () => {
		const ports = await freePorts(1);
		await occupied(ports[0]!);
		const pauses: number[] = [];
		const one = member(1, ports, {
			openAttempts: 3,
			after: (ms, run) => {
				pauses.push(ms);
				setImmediate(run);
				return () => {};
			},
		});
		await expect(one.open()).rejects.toThrow(`${host}:${ports[0]} cannot be listened on`);
		expect(pauses).toEqual([1000, 1000]);
		expect(one.warnings).toEqual([expect.stringContaining('it is tried again every 1000 ms')]);
	});

	it.each([0, 2])('of %i waits for the address to become free', async (openAttempts) => {
		const ports = await freePorts(2);
		const occupier = await occupied(ports[0]!);
		const one = member(1, ports, {
			openAttempts,
			after: (ms, run) => {
				if (ms !== 1000) return systemAfter(ms, run);
				occupier.close(run);
				return () => {};
			},
		});
		await one.open();
		const two = member(2, ports);
		two.port.send(1, vote);
		await eventually(() => expect(one.port.connected).toEqual([2]));
	});

	it('of 0 goes on until the port is closed', async () => {
		const ports = await freePorts(1);
		await occupied(ports[0]!);
		let attempts = 0;
		const paused = Promise.withResolvers<void>();
		const one = member(1, ports, {
			openAttempts: 0,
			after: (_, run) => {
				attempts += 1;
				if (attempts < 10) setImmediate(run);
				else paused.resolve();
				return () => {};
			},
		});
		const opened = one.open();
		await paused.promise;
		await one.port.close();
		await opened;
		expect(attempts).toBe(10);
	});
});

describe.runIf(process.platform === 'linux')('tcpKeepAlive', () => {
	it.each([
		[true, '02'],
		[false, '00'],
	])('of %s is that of both ends of an election connection', async (keepAlive, timer) => {
		const ports = await freePorts(2);
		const [one, two] = [member(1, ports, { keepAlive }), member(2, ports, { keepAlive })];
		await one.open();
		two.port.send(1, vote);
		await eventually(() => {
			expect(one.port.connected).toEqual([2]);
			expect(timersOf(ports[0]!)).toEqual([timer, timer]);
		});
	});
});
