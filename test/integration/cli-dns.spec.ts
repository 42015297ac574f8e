/** `ck dns`: Node's resolver and raw sockets ask it, and the registry changes meanwhile. */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { decode, encode, type Packet, streamDecode, streamEncode } from 'dns-packet';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Chronokeeper } from '#client/chronokeeper';
import { connect } from '#client/connect';
import { ServiceRegistry } from '#client/recipes/service-registry';
import { Cable } from '#test/support/cable';
import { ck as ckProcess, commandLine } from '#test/support/ck';
import { RunningProgram } from '#test/support/processes';
import { TestServers } from '#test/support/test-servers';

/** Other processes may be busy, too. */
function eventually<T>(check: () => T | Promise<T>): Promise<T> {
	return vi.waitFor(check, { timeout: 60_000, interval: 10 });
}

const servers = new TestServers();
let ck: Chronokeeper;
let registry: ServiceRegistry;
let cable: Cable;
let program: RunningProgram;
let port: number;
let resolver: Resolver;

beforeAll(async () => {
	const { addresses } = await servers.start(servers.newDirectory());
	cable = servers.keep(await Cable.lay(addresses.grpc));
	ck = servers.keep(await connect({ endpoints: addresses.grpc }));
	registry = new ServiceRegistry(ck);
	const options = ['--server', cable.address, '--listen', '127.0.0.1:0', '--zone', 'services.test', '--ttl', '0'];
	program = servers.keepProcess(new RunningProgram(commandLine[0]!, [...commandLine.slice(1), 'dns', ...options]));
	const [, digits] = await program.waitFor(/listening at 127\.0\.0\.1:(\d+) \(UDP and TCP\) for services\.test/);
	port = Number(digits);
	resolver = new Resolver({ timeout: 20_000, tries: 2 });
	resolver.setServers([`127.0.0.1:${port}`]);
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

function register(id: string, more: object = {}) {
	return registry.register({ service: 'web', id, address: '10.0.0.1', port: 80, ...more });
}

const webIs = (...addresses: string[]) =>
	eventually(async () => expect((await resolver.resolve4('web.services.test')).sort()).toEqual(addresses));
const failure = (asked: Promise<unknown>) =>
	asked.then(
		() => 'found',
		(error: NodeJS.ErrnoException) => error.code,
	);

async function overUdp(message: Buffer): Promise<Buffer> {
	const socket = createSocket('udp4');
	try {
		socket.send(message, port, '127.0.0.1');
		const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(60_000) })) as [Buffer];
		return answer;
	} finally {
		socket.close();
	}
}

/** Answers, until there are so many. */
async function overTcp(socket: Socket, count: number): Promise<unknown[]> {
	let bytes = Buffer.alloc(0);
	const answers: unknown[] = [];
	for await (const chunk of socket) {
		bytes = Buffer.concat([bytes, chunk as Buffer]);
		while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
			answers.push(streamDecode(bytes));
			bytes = bytes.subarray(2 + bytes.readUInt16BE(0));
		}
		if (answers.length === count) break;
	}
	return answers;
}

describe('ck dns', () => {
	it('answers with who is there, and follows changes', async () => {
		expect(await failure(resolver.resolve4('web.services.test'))).toBe('ENOTFOUND');
		const one = await register('one', { weight: 3, tags: ['blue'] });
		await webIs('10.0.0.1');
		const two = await register('two', { address: 'fd00::2', port: 8080 });
		const three = await register('three', { address: '10.0.0.3' });
		await webIs('10.0.0.1', '10.0.0.3');
		expect(await resolver.resolve6('WEB.Services.Test')).toEqual(['fd00::2']);
		const services = await resolver.resolveSrv('_web._tcp.services.test');
		expect(services.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toMatchObject([
			{ name: 'one.web.services.test', port: 80, priority: 0, weight: 3 },
			{ name: 'three.web.services.test', port: 80, priority: 0, weight: 1 },
			{ name: 'two.web.services.test', port: 8080, priority: 0, weight: 1 },
		]);
		expect(await resolver.resolveTxt('one.web.services.test')).toEqual([['id=one', 'weight=3', 'tags=blue']]);
		expect(await failure(resolver.resolveMx('web.services.test'))).toBe('ENODATA');
		expect(await failure(resolver.resolve4('none.services.test'))).toBe('ENOTFOUND');
		expect(await failure(resolver.resolve4('example.com'))).toBe('EREFUSED');
		await three.update({ enabled: false });
		await webIs('10.0.0.1');
		await one.update({ address: '10.0.0.9' });
		await webIs('10.0.0.9');
		for (const registration of [one, two, three]) await registration.close();
		await eventually(async () => expect(await failure(resolver.resolve4('web.services.test'))).toBe('ENODATA'));
	});

	it('is cut over UDP and whole over TCP, where several queries are answered in order', async () => {
		const many = Array.from({ length: 60 }, (_, i) =>
			register(`many-${i}`, { service: 'many', address: `10.1.0.${i}` }),
		);
		const registrations = await Promise.all(many);
		const query = (id: number, name: string): Packet => {
			return { type: 'query', id, flags: 0, questions: [{ type: 'A', name }] };
		};
		const message = encode(query(1, 'many.services.test'));
		await eventually(async () => expect(decode(await overUdp(message))).toMatchObject({ flag_tc: true, answers: [] }));
		// The resolver asks again over TCP.
		await eventually(async () => expect(await resolver.resolve4('many.services.test')).toHaveLength(60));
		const socket = connectTcp(port, '127.0.0.1');
		const both = Buffer.concat([
			streamEncode(query(7, 'many.services.test')),
			streamEncode(query(8, 'none.services.test')),
		]);
		for (const byte of both) socket.write(Buffer.from([byte]));
		expect(await overTcp(socket, 2)).toMatchObject([
			{ id: 7, flag_tc: false, answers: { length: 60 } },
			{ id: 8, rcode: 'NXDOMAIN' },
		]);
		await Promise.all(registrations.map((registration) => registration.close()));
	});

	it('outlives what is no query', async () => {
		const bad = Buffer.from('000100000001000000000000ff', 'hex');
		expect(decode(await overUdp(bad))).toMatchObject({ id: 1, rcode: 'FORMERR' });
		const noise = createSocket('udp4');
		for (let i = 0; i < 200; i++) {
			const bytes = Buffer.from(Array.from({ length: i }, (_, k) => (i * 31 + k * 17) & 255));
			await new Promise((resolve) => noise.send(bytes, port, '127.0.0.1', resolve));
		}
		noise.close();
		for (const bytes of [Buffer.from([0, 0]), Buffer.from([0xff, 0xff, 1]), Buffer.from([0, 1, 0])]) {
			const socket = connectTcp(port, '127.0.0.1');
			socket.end(bytes);
			socket.resume();
			await once(socket, 'close');
		}
		expect((await resolver.resolveSoa('services.test')).nsname).toBe('ns.services.test');
	});

	it('answers with what it knew while the replica is away, then goes on', async () => {
		const one = await register('kept', { address: '10.2.0.1' });
		await webIs('10.2.0.1');
		cable.unplug();
		await program.waitFor(/answers are those of before/);
		const two = await register('later', { address: '10.2.0.2' });
		expect(await resolver.resolve4('web.services.test')).toEqual(['10.2.0.1']);
		cable.plug();
		await webIs('10.2.0.1', '10.2.0.2');
		await one.close();
		await two.close();
	});

	it('says what is wrong with its place, and with its options', async () => {
		const taken = await ckProcess(['dns', '--server', cable.address, '--listen', `127.0.0.1:${port}`]);
		expect(taken).toMatchObject({ status: 1, stderr: expect.stringContaining(`cannot listen at 127.0.0.1:${port}`) });
		for (const wrong of [
			['--listen', 'nowhere'],
			['--listen', '127.0.0.1:70000'],
			['--zone', 'a..b'],
			['--ttl', '-1'],
			['--replicas', 'x'],
		])
			expect(await ckProcess(['dns', ...wrong]), wrong.join(' ')).toMatchObject({ status: 2, stdout: '' });
	});

	it('ends when it is told to', async () => {
		await program.stop('SIGTERM');
		expect(await program.exited).toBe(0);
	});
});
