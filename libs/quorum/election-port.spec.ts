import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Notification } from '#core/ports/election-network';
import type { After } from '#core/ports/timers';
import { JuteWriter } from '#jute/codec';
import { readElectionHello, writeElectionHello } from '#jute/quorum/election-hello';
import { freePorts } from '#test/support/processes';
import { closeAll, eventually, host, openPorts, openServers, openSockets } from '#test/support/quorum-links';
import { ElectionPort, type ElectionPortOptions } from './election-port.ts';
import { systemAfter } from './sockets.ts';

const encode = (notification: Notification): Uint8Array => Buffer.from(JSON.stringify(notification));
const decode = (bytes: Uint8Array): Notification => JSON.parse(Buffer.from(bytes).toString('utf8')) as Notification;

function vote(leader: number, electionEpoch = 1): Notification {
	return { state: 'looking', leader, zxid: 0, electionEpoch, peerEpoch: 0, config: null };
}

afterEach(closeAll);

class Member {
	readonly heard: [from: number, electionEpoch: number][] = [];
	readonly warnings: string[] = [];
	readonly port: ElectionPort;

	constructor(id: number, ports: readonly number[], options: Partial<ElectionPortOptions> = {}) {
		this.port = new ElectionPort({
			serverId: id,
			addresses: [{ host, port: ports[id - 1]! }],
			addressesOf: (other) => (ports[other - 1] === undefined ? [] : [{ host, port: ports[other - 1]! }]),
			encode,
			decode,
			warn: (message) => this.warnings.push(message),
			...options,
		});
		openPorts.add(this.port);
	}

	async open(): Promise<this> {
		await this.port.open({
			notified: (from, { electionEpoch }) => this.heard.push([from, electionEpoch]),
		});
		return this;
	}
}

async function ensemble(count: number, options: Partial<ElectionPortOptions> = {}): Promise<Member[]> {
	const ports = await freePorts(count);
	return Promise.all(ports.map((_, index) => new Member(index + 1, ports, options).open()));
}

/** A server played by the test: it only counts who connects, and says what it is told to. */
async function played(port: number): Promise<{ readonly sockets: Socket[]; readonly received: Buffer[] }> {
	const sockets: Socket[] = [];
	const received: Buffer[] = [];
	const server = createServer((socket) => {
		const index = sockets.push(socket) - 1;
		openSockets.add(socket);
		received.push(Buffer.alloc(0));
		socket.on('data', (chunk: Buffer) => {
			received[index] = Buffer.concat([received[index]!, chunk]);
		});
		socket.on('error', () => {});
	});
	openServers.add(server);
	server.listen(port, host);
	await once(server, 'listening');
	return { sockets, received };
}

function hello(serverId: number, port: number): Uint8Array {
	const writer = new JuteWriter();
	writeElectionHello(writer, { serverId, addresses: [{ host, port }] });
	return writer.view().slice();
}

function framed(message: Uint8Array | string): Buffer {
	const bytes = Buffer.from(message);
	const length = Buffer.alloc(4);
	length.writeInt32BE(bytes.length);
	return Buffer.concat([length, bytes]);
}

/** Connects to a port as another server. `isClosed` once the port has hung up. */
async function caller(port: number): Promise<Socket> {
	const socket = connect(port, host);
	openSockets.add(socket);
	socket.on('error', () => {});
	socket.resume();
	await once(socket, 'connect');
	return socket;
}

/** The epochs of the notifications in what a played server received on one connection, behind the hello. */
function epochsIn(bytes: Buffer): number[] {
	const found = readElectionHello(bytes);
	const epochs: number[] = [];
	for (let at = found?.length ?? 0; at + 4 <= bytes.length; ) {
		const end = at + 4 + bytes.readInt32BE(at);
		if (end > bytes.length) break;
		epochs.push(decode(bytes.subarray(at + 4, end)).electionEpoch);
		at = end;
	}
	return epochs;
}

describe('election ports', () => {
	it.each([
		[1, 2],
		[2, 1],
	])('bring a notification from %i to %i and back over one connection, whoever is larger', async (from, to) => {
		const members = await ensemble(2);
		const [sender, receiver] = [members[from - 1]!, members[to - 1]!];
		sender.port.send(to, vote(1, 7));
		await eventually(() => expect(receiver.heard).toEqual([[from, 7]]));
		receiver.port.send(from, vote(1, 8));
		await eventually(() => expect(sender.heard).toEqual([[to, 8]]));
		expect(members.map(({ port }) => port.connected)).toEqual([[2], [1]]);
		expect(members.flatMap(({ warnings }) => warnings)).toEqual([]);
	});

	it('settle on one connection when everybody connects to everybody at the same time', async () => {
		const members = await ensemble(5);
		const others = (id: number): number[] => [1, 2, 3, 4, 5].filter((other) => other !== id);
		for (let epoch = 1; epoch <= 20; epoch++) {
			for (const [index, { port }] of members.entries())
				for (const other of others(index + 1)) port.send(other, vote(5, epoch));
			await eventually(() => {
				for (const [index, { heard }] of members.entries())
					for (const other of others(index + 1)) expect(heard).toContainEqual([other, epoch]);
			});
		}
		for (const [index, { port }] of members.entries()) expect([...port.connected].sort()).toEqual(others(index + 1));
	});

	it('send the last notification again to a server that was restarted, in whichever direction it connects', async () => {
		const ports = await freePorts(3);
		const [one, two, three] = [new Member(1, ports), new Member(2, ports), new Member(3, ports)];
		await Promise.all([one.open(), two.open(), three.open()]);
		two.port.send(1, vote(2, 5));
		two.port.send(3, vote(2, 6));
		await eventually(() =>
			expect([...one.heard, ...three.heard]).toEqual([
				[2, 5],
				[2, 6],
			]),
		);
		await Promise.all([one.port.close(), three.port.close()]);
		await eventually(() => expect(two.port.connected).toEqual([]));
		const again = [await new Member(1, ports).open(), await new Member(3, ports).open()];
		for (const { port } of again) port.send(2, vote(3, 9));
		await eventually(() => expect(again.map(({ heard }) => heard)).toEqual([[[2, 5]], [[2, 6]]]));
		await eventually(() =>
			expect(two.heard).toEqual(
				expect.arrayContaining([
					[1, 9],
					[3, 9],
				]),
			),
		);
	});

	it('do not connect again before there is something to send', async () => {
		const ports = await freePorts(2);
		const { sockets } = await played(ports[0]!);
		const two = await new Member(2, ports).open();
		two.port.send(1, vote(2));
		await eventually(() => expect(sockets).toHaveLength(1));
		sockets[0]!.destroy();
		await eventually(() => expect(two.port.connected).toEqual([]));
		// Whatever would connect by itself would have done so before a connection that is made now.
		two.port.send(1, vote(2));
		await eventually(() => expect(two.port.connected).toEqual([1]));
		await eventually(() => expect(sockets).toHaveLength(2));
	});

	it('say once that a server cannot be reached, and connect when it can be', async () => {
		const ports = await freePorts(2);
		let calls = 0;
		const after: After = (ms, run) => {
			calls++;
			return systemAfter(ms, run);
		};
		const two = await new Member(2, ports, { after }).open();
		await eventually(() => {
			two.port.send(1, vote(2, 1));
			// A call begins when the one before has failed.
			expect(calls).toBeGreaterThan(3);
		});
		expect(two.warnings).toHaveLength(1);
		expect(two.warnings[0]).toMatch(/server 1 cannot be reached: 127\.0\.0\.1:\d+: connect ECONNREFUSED/);
		const one = await new Member(1, ports).open();
		await eventually(() => {
			two.port.send(1, vote(2, 2));
			expect(one.heard).toContainEqual([2, 2]);
		});
		expect(two.warnings).toHaveLength(1);
	});

	it('ask a larger server to call back, and tell it nothing before', async () => {
		const ports = await freePorts(2);
		const { sockets, received } = await played(ports[1]!);
		const one = await new Member(1, ports).open();
		one.port.send(2, vote(1, 6));
		await eventually(() => expect(sockets[0]?.closed).toBe(true));
		const said = hello(1, ports[0]!);
		expect(received[0]).toEqual(Buffer.from(said));
		expect(one.port.connected).toEqual([]);
		const socket = await caller(ports[0]!);
		const chunks: Buffer[] = [];
		socket.on('data', (chunk: Buffer) => chunks.push(chunk));
		socket.write(hello(2, ports[1]!));
		await eventually(() => expect(Buffer.concat(chunks)).toEqual(framed(encode(vote(1, 6)))));
		expect(one.port.connected).toEqual([2]);
	});

	it('keep only the newest notification for a server that does not read', async () => {
		const ports = await freePorts(2);
		const { sockets, received } = await played(ports[0]!);
		const long = 'x'.repeat(100_000);
		const two = await new Member(2, ports).open();
		two.port.send(1, vote(2, 0));
		await eventually(() => expect(sockets).toHaveLength(1));
		sockets[0]!.pause();
		for (let epoch = 1; epoch <= 500; epoch++) {
			two.port.send(1, { ...vote(2, epoch), config: long });
			await new Promise((resolve) => setImmediate(resolve));
		}
		sockets[0]!.resume();
		await eventually(() => expect(epochsIn(received[0]!).at(-1)).toBe(500));
		const epochs = epochsIn(received[0]!);
		expect(epochs.length).toBeLessThan(400);
		expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
	});

	it('make a new connection for a server that has long said nothing, as after a partition', async () => {
		const ports = await freePorts(2);
		const { sockets, received } = await played(ports[0]!);
		// Longer than this process stands still where others need the processors.
		const silenceMs = 500;
		const two = await new Member(2, ports, { silenceMs }).open();
		await eventually(() => {
			two.port.send(1, vote(2, 3));
			expect(sockets.length).toBeGreaterThan(1);
		});
		await eventually(() => expect(epochsIn(received.at(-1)!)).toContain(3));
		const silent = sockets.length;
		const answers = setInterval(() => sockets.at(-1)!.write(framed(encode(vote(1)))), 2);
		try {
			const beganMs = performance.now();
			while (performance.now() - beganMs < 4 * silenceMs) {
				const { length } = two.heard;
				await eventually(() => expect(two.heard.length).toBeGreaterThan(length));
				two.port.send(1, vote(2, 4));
			}
		} finally {
			clearInterval(answers);
		}
		// One more at most: the answers may have begun too late for the last one.
		expect(sockets.length).toBeLessThanOrEqual(silent + 1);
	});

	it('free their address, and say nothing more, when they are closed', async () => {
		const ports = await freePorts(2);
		const [one, two] = await Promise.all([new Member(1, ports).open(), new Member(2, ports).open()]);
		two.port.send(1, vote(2, 1));
		await eventually(() => expect(one.heard).toHaveLength(1));
		await one.port.close();
		two.port.send(1, vote(2, 2));
		one.port.send(2, vote(2, 2));
		const again = await new Member(1, ports).open();
		await eventually(() => {
			two.port.send(1, vote(2, 3));
			expect(again.heard).toContainEqual([2, 3]);
		});
		expect(one.heard).toHaveLength(1);
		expect(two.heard).toEqual([]);
	});

	it('name the address that cannot be listened on', async () => {
		const ports = await freePorts(1);
		await played(ports[0]!);
		await expect(new Member(1, ports).open()).rejects.toThrow(
			`127.0.0.1:${ports[0]} cannot be listened on: listen EADDRINUSE`,
		);
	});

	it('reach a server at any of its addresses', async () => {
		const ports = await freePorts(3);
		const addressesOf = () => [
			{ host, port: ports[2]! },
			{ host, port: ports[0]! },
		];
		const one = await new Member(1, ports).open();
		const two = await new Member(2, ports, { addressesOf }).open();
		two.port.send(1, vote(2, 1));
		await eventually(() => expect(one.heard).toEqual([[2, 1]]));
	});
});

describe('an election port that somebody connects to', () => {
	it('calls a smaller server back where it says, although no configuration has it', async () => {
		const ports = await freePorts(3);
		const { received, sockets } = await played(ports[0]!);
		const two = await new Member(2, [], { addresses: [{ host, port: ports[1]! }] }).open();
		const socket = await caller(ports[1]!);
		socket.write(hello(1, ports[0]!));
		await once(socket, 'close');
		await eventually(() => expect(sockets).toHaveLength(1));
		await eventually(() => expect(readElectionHello(received[0]!)?.hello.serverId).toBe(2));
		sockets[0]!.write(framed(encode(vote(1, 4))));
		await eventually(() => expect(two.heard).toEqual([[1, 4]]));
	});

	it('gives up the connection to a smaller server that asks for another one', async () => {
		const ports = await freePorts(2);
		const { sockets, received } = await played(ports[0]!);
		const two = await new Member(2, ports).open();
		two.port.send(1, vote(2, 8));
		await eventually(() => expect(epochsIn(received[0] ?? Buffer.alloc(0))).toEqual([8]));
		(await caller(ports[1]!)).write(hello(1, ports[0]!));
		await eventually(() => expect(sockets[0]!.closed).toBe(true));
		await eventually(() => expect(epochsIn(received[1] ?? Buffer.alloc(0))).toEqual([8]));
		expect(two.port.connected).toEqual([1]);
	});

	it('calls a smaller server back where the configuration says when it names no address of its own', async () => {
		const ports = await freePorts(2);
		const { sockets } = await played(ports[0]!);
		await new Member(2, ports).open();
		const writer = new JuteWriter();
		writeElectionHello(writer, { serverId: 1, addresses: [{ host: '0.0.0.0', port: 1 }] });
		(await caller(ports[1]!)).write(writer.view());
		await eventually(() => expect(sockets).toHaveLength(1));
		// The hello of ZooKeeper 3.4.
		(await caller(ports[1]!)).write(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1));
		await eventually(() => expect(sockets).toHaveLength(2));
	});

	it('hears a larger server whose hello and notifications come a byte at a time', async () => {
		const ports = await freePorts(2);
		const one = await new Member(1, ports).open();
		const socket = await caller(ports[0]!);
		socket.setNoDelay(true);
		const message = framed(encode(vote(2, 1)));
		for (const byte of Buffer.concat([hello(2, ports[1]!), message, message])) {
			socket.write(Uint8Array.of(byte));
			await new Promise((resolve) => setImmediate(resolve));
		}
		await eventually(() =>
			expect(one.heard).toEqual([
				[2, 1],
				[2, 1],
			]),
		);
	});

	it.each([
		['a hello of a version it does not know', Buffer.from('fffffffffffe0000', 'hex'), /version -131072/],
		['four-letter words', Buffer.from('GET / HTTP/1.1\r\n'), /server id beyond/],
		['a hello of its own id', hello(1, 1), /says that it is server 1, which is this one/],
		['a message of -1 bytes', Buffer.concat([hello(2, 1), Buffer.from('ffffffff', 'hex')]), /server 2 at .*claims -1/],
		['a message of 2 GiB', Buffer.concat([hello(2, 1), Buffer.from('7fffffff', 'hex')]), /server 2 at .*2147483647/],
		['a message that is no notification', Buffer.concat([hello(2, 1), framed('{')]), /server 2 at .*JSON/],
	])('closes a connection with %s, and says so in one line', async (_, bytes, warning) => {
		const ports = await freePorts(1);
		const one = await new Member(1, ports).open();
		const socket = await caller(ports[0]!);
		socket.write(bytes);
		await once(socket, 'close');
		await eventually(() => expect(one.warnings).toHaveLength(1));
		expect(one.warnings[0]).toMatch(warning);
		// The port goes on, for the same server too.
		const next = await caller(ports[0]!);
		next.write(Buffer.concat([hello(2, 1), framed(encode(vote(2, 1)))]));
		await eventually(() => expect(one.heard).toEqual([[2, 1]]));
	});

	it('closes a connection that says no hello', async () => {
		const ports = await freePorts(1);
		const one = await new Member(1, ports, { helloTimeoutMs: 50 }).open();
		const socket = await caller(ports[0]!);
		socket.write(Uint8Array.of(255, 255));
		await once(socket, 'close');
		expect(one.warnings).toEqual([expect.stringMatching(/^election: 127\.0\.0\.1:\d+: no hello within 50 ms$/)]);
	});

	it('keeps a bounded number of connections that have not said who they are', async () => {
		const ports = await freePorts(1);
		await new Member(1, ports).open();
		const sockets = await Promise.all(Array.from({ length: 300 }, () => caller(ports[0]!)));
		await eventually(() => expect(sockets.filter(({ closed }) => closed)).toHaveLength(300 - 256));
		for (const socket of sockets) socket.destroy();
	});
});

describe('election ports whose servers change', () => {
	it('82: are reached at their new address, where it said so itself, and keep who was connected', async () => {
		const ports = await freePorts(3);
		const [one, two] = [await new Member(1, ports).open(), await new Member(2, ports).open()];
		two.port.send(1, vote(1, 1));
		await eventually(() => expect(one.heard).toEqual([[2, 1]]));
		const occupier = createServer();
		openServers.add(occupier);
		occupier.listen(ports[2]!, host);
		await once(occupier, 'listening');

		one.port.move([{ host, port: ports[2]! }]);
		await expect(caller(ports[0]!)).rejects.toThrow('ECONNREFUSED');
		await eventually(() =>
			expect(one.warnings).toEqual([expect.stringContaining(`election: ${host}:${ports[2]} cannot`)]),
		);
		occupier.close();
		await eventually(() => caller(ports[2]!));
		two.port.send(1, vote(1, 2));
		await eventually(() => expect(one.heard.at(-1)).toEqual([2, 2]));
		expect(one.warnings).toHaveLength(1);
	});

	it('82: tell the address that they have now', async () => {
		const ports = await freePorts(3);
		const { received } = await played(ports[1]!);
		const one = await new Member(1, ports).open();
		one.port.move([{ host, port: ports[2]! }]);
		one.port.send(2, vote(1, 1));
		await eventually(() => expect(received).toHaveLength(1));
		await eventually(() =>
			expect(readElectionHello(received[0]!)?.hello.addresses).toEqual([{ host, port: ports[2] }]),
		);
	});

	it('82: connect to a server that joins, whoever is larger, with what they said last', async () => {
		const [one, two, three] = (await ensemble(3)) as [Member, Member, Member];
		two.port.send(1, vote(2, 4));
		two.port.send(3, vote(2, 5));
		await eventually(() => expect([one.heard, three.heard]).toEqual([[[2, 4]], [[2, 5]]]));
		one.port.reach([1, 2, 3]);
		three.port.reach([2, 3]);
		await eventually(() =>
			expect([one, two, three].map(({ port }) => [...port.connected].sort())).toEqual([
				[2, 3],
				[1, 3],
				[1, 2],
			]),
		);
	});

	it('82: hang up on servers that no configuration has, which may come again', async () => {
		const ports = await freePorts(2);
		let members = [1, 2];
		const addressesOf = (id: number) => (members.includes(id) ? [{ host, port: ports[id - 1]! }] : []);
		const one = await new Member(1, ports, { addressesOf }).open();
		const two = await new Member(2, ports).open();
		two.port.send(1, vote(2, 1));
		await eventually(() => expect(one.heard).toEqual([[2, 1]]));
		one.port.forgetStrangers();
		expect(one.port.connected).toEqual([2]);
		members = [1];
		one.port.forgetStrangers();
		expect(one.port.connected).toEqual([]);
		await eventually(() => expect(two.port.connected).toEqual([]));
		two.port.send(1, vote(2, 2));
		await eventually(() =>
			expect(one.heard).toEqual([
				[2, 1],
				[2, 2],
			]),
		);
		one.port.send(2, vote(1, 3));
		await eventually(() => expect(two.heard).toEqual([[1, 3]]));
	});
});
