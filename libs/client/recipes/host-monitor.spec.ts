import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TestServers } from '#test/support/test-servers';
import { connect } from '../connect.ts';
import { type HostChange, HostMonitor } from './host-monitor.ts';

const servers = new TestServers();
let endpoints: string;

/** Others may need the processor. */
const soon = { timeout: 60_000, interval: 10 } as const;

const client = async () => servers.keep(await connect({ endpoints }));

beforeAll(async () => {
	endpoints = (await servers.start(servers.newDirectory(), { tickTime: 100, maxSessionTimeout: 60_000 })).addresses
		.grpc;
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

const text = ({ kind, host }: HostChange) =>
	`${host.host} ${kind}${kind === 'down' ? ` ${host.departure}` : ''}${host.flaps > 0 ? ` ${host.flaps}` : ''}`;

describe('a monitor of hosts', () => {
	it('tells of hosts that come, and how those went that are gone: left, closed, expired', async () => {
		const watching = await client();
		await using view = new HostMonitor(watching, '/hosts/gone').watch({ graceMs: 20 });
		const heard: string[] = [];
		view.on((change) => heard.push(text(change)));
		const leaving = await new HostMonitor(await client(), '/hosts/gone').announce('a', 'rack 1');
		const closing = await client();
		await new HostMonitor(closing, '/hosts/gone').announce('b');
		// Without a stream that pings, it is silent from here on.
		const silent = await servers.connect(endpoints).openSession({ timeoutMs: 2000 });
		const ephemeral = { mode: 2 } as const;
		await silent.create(`/hosts/gone/${'0'.repeat(32)}__party__c`, new Uint8Array(0), ephemeral);
		silent.abandon();
		await vi.waitFor(() => expect(heard.filter((line) => line.endsWith(' up'))).toHaveLength(3), soon);
		expect(view.get('a')).toMatchObject({ state: 'up', flaps: 0 });
		expect(Buffer.from(view.get('a')!.data).toString()).toBe('rack 1');
		await leaving.leave();
		await closing.close();
		await vi.waitFor(() => expect(heard.filter((line) => line.includes('down'))).toHaveLength(3), soon);
		expect(heard.filter((line) => line.includes('down')).sort()).toEqual([
			'a down left',
			'b down closed',
			'c down expired',
		]);
		expect(view.hosts.map(({ host, state }) => `${host} ${state}`)).toEqual(['a down', 'b down', 'c down']);
	});

	it('takes one that comes back within the grace for a host that flaps, and has one up as long as one agent says so', async () => {
		const ck = await client();
		const monitor = new HostMonitor(ck, '/hosts/flap');
		await using view = monitor.watch({ graceMs: 60_000 });
		const heard: string[] = [];
		const following = (async () => {
			for await (const change of view.changes()) heard.push(text(change));
		})();
		const [one, other] = [await monitor.announce('h', '1'), await monitor.announce('h', '2')];
		await vi.waitFor(() => expect(heard).toEqual(['h up']), soon);
		await one.leave();
		await other.set('3');
		await vi.waitFor(() => expect(heard).toEqual(['h up', 'h changed']), soon);
		await other.leave();
		await vi.waitFor(() => expect(view.get('h')?.state).toBe('missing'), soon);
		await monitor.announce('h');
		await vi.waitFor(() => expect(heard.slice(2)).toEqual(['h missing', 'h back 1']), soon);
		expect(view.get('h')).toMatchObject({ state: 'up', flaps: 1 });
		await view.close();
		await following;
	});
});
