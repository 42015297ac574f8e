/** The two ends of a link in one process, and a raw socket in the place of one of them. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { expect, vi } from 'vitest';
import type { QuorumLink, QuorumLinkListener } from '#core/ports/quorum-link';
import { JuteWriter } from '#jute/codec';
import { packetType, type QuorumPacket, writeQuorumPacket } from '#jute/quorum/packets';
import { QuorumPort, type QuorumPortOptions } from '#quorum/quorum-port';
import { freePorts } from './processes.ts';

export const host = '127.0.0.1';

/** Other processes may be busy, too. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
	return vi.waitFor(check, { timeout: 60_000, interval: 5 });
}

export const openPorts = new Set<{ close(): Promise<void> }>();
export const openServers = new Set<Server>();
export const openSockets = new Set<Socket>();

/** Ends what the functions here have opened, and what else is in these sets. */
export async function closeAll(): Promise<void> {
	for (const socket of openSockets) socket.destroy();
	await Promise.all([...openPorts].map((port) => port.close()));
	await Promise.all([...openServers].map((server) => new Promise((resolve) => server.close(resolve))));
	openPorts.clear();
	openServers.clear();
	openSockets.clear();
}

export function packet(zxid: number, data: Uint8Array | null = null, type: number = packetType.proposal): QuorumPacket {
	return { type, zxid, data, authinfo: null };
}

export function encoded(...packets: QuorumPacket[]): Uint8Array {
	const writer = new JuteWriter();
	for (const each of packets) writeQuorumPacket(writer, each);
	return writer.view().slice();
}

/** One end of a link, and what it hears. */
export class End implements QuorumLinkListener {
	readonly packets: QuorumPacket[] = [];
	readonly reasons: Error[] = [];
	/** How many packets had come at the end of each read. */
	readonly reads: number[] = [];
	onPacket: (packet: QuorumPacket, end: End) => void = () => {};
	link!: QuorumLink;

	readonly connected = (link: QuorumLink): QuorumLinkListener => {
		this.link = link;
		return this;
	};

	received(received: QuorumPacket): void {
		this.packets.push(received);
		this.onPacket(received, this);
	}

	receivedAll(): void {
		this.reads.push(this.packets.length);
	}

	closed(reason: Error): void {
		this.reasons.push(reason);
	}

	get zxids(): number[] {
		return this.packets.map(({ zxid }) => zxid);
	}
}

export function quorumPort(ports: readonly number[], options: Partial<QuorumPortOptions> = {}): QuorumPort {
	const port = new QuorumPort({
		listenOn: () => ports.slice(0, 1).map((own) => ({ host, port: own })),
		addressesOf: () => ports.map((other) => ({ host, port: other })),
		connectTimeoutMs: 5000,
		warn: () => {},
		...options,
	});
	openPorts.add(port);
	return port;
}

/** A leader's and a learner's end of a link, and the leader's port. */
export async function linked(options: Partial<QuorumPortOptions> = {}) {
	const ports = await freePorts(1);
	const [leader, learner] = [new End(), new End()];
	const leaderPort = quorumPort(ports, options);
	const learnerPort = quorumPort(ports, options);
	const stopAccepting = leaderPort.accept(leader.connected);
	await learnerPort.connect(1, learner.connected);
	await eventually(() => expect(leader.link).toBeDefined());
	return { leader, learner, leaderPort, learnerPort, stopAccepting, port: ports[0]! };
}

/** A learner's end, and a raw socket in the leader's place. */
export async function linkedToSocket(options: Partial<QuorumPortOptions> = {}) {
	const ports = await freePorts(1);
	const server = createServer();
	openServers.add(server);
	server.listen(ports[0]!, host);
	await once(server, 'listening');
	const learner = new End();
	const accepted = once(server, 'connection') as Promise<[Socket]>;
	await quorumPort(ports, options).connect(1, learner.connected);
	const [socket] = await accepted;
	openSockets.add(socket);
	socket.on('error', () => {});
	return { learner, socket };
}
