/** A session beside servers that do what real ones rarely do: read-only ones, wrong answers, bytes that are no protocol. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readConnectRequest, writeConnectResponse } from '#jute/client/connect';
import { readRequestHeader, writeReplyHeader } from '#jute/client/headers';
import { writeResponse } from '#jute/client/responses';
import { JuteReader, JuteWriter } from '#jute/codec';
import { errors } from '#jute/errors';
import { opCode } from '#jute/op-codes';
import type { SessionId } from '#jute/scalars';
import { parseConnectString } from './connect-string.ts';
import { Session } from './session.ts';
import { eventText } from './watched-event.ts';

interface Behaviour {
	readonly readOnly?: boolean;
	/** What `isro` is answered with. */
	readonly mode?: 'ro' | 'rw';
	/** Answers a request: the error for an ordinary answer, or bytes of any kind. */
	answer?(xid: number, type: number): number | Uint8Array;
}

/** Takes handshakes and answers whoAmI. */
class StrangeServer {
	readonly sessions: SessionId[] = [];
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	readonly #behaviour: Behaviour;

	constructor(behaviour: Behaviour) {
		this.#behaviour = behaviour;
		this.#server = createServer((socket) => this.#serve(socket));
	}

	async listen(): Promise<string> {
		await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
		return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
	}

	close(): void {
		this.#server.close();
		for (const socket of this.#sockets) socket.destroy();
	}

	#serve(socket: Socket): void {
		this.#sockets.add(socket);
		let welcomed = false;
		socket.on('error', () => {});
		socket.on('data', (chunk) => {
			if (chunk.toString('latin1') === 'isro') {
				socket.end(this.#behaviour.mode ?? '');
				return;
			}
			for (let at = 0; at < chunk.length; at += 4 + chunk.readInt32BE(at)) {
				const reader = new JuteReader(chunk, at + 4, at + 4 + chunk.readInt32BE(at));
				socket.write(welcomed ? this.#reply(reader) : this.#welcome(reader));
				welcomed = true;
			}
		});
	}

	#welcome(reader: JuteReader): Uint8Array {
		const { timeoutMs, sessionId, password } = readConnectRequest(reader);
		this.sessions.push(sessionId);
		const { readOnly = false } = this.#behaviour;
		return frame((writer) =>
			writeConnectResponse(writer, { protocolVersion: 0, timeoutMs, sessionId: 7n as SessionId, password, readOnly }),
		);
	}

	#reply(reader: JuteReader): Uint8Array {
		const { xid, type } = readRequestHeader(reader);
		const answer = this.#behaviour.answer?.(xid, type) ?? 0;
		if (typeof answer !== 'number') return answer;
		return frame((writer) => {
			writeReplyHeader(writer, { xid, zxid: 1, error: answer });
			if (type === opCode.whoAmI) writeResponse(writer, { kind: 'whoAmI', identities: [] });
		});
	}
}

function frame(write: (writer: JuteWriter) => void): Uint8Array {
	const writer = new JuteWriter();
	writer.writeInt(0);
	write(writer);
	writer.patchInt(0, writer.position - 4);
	return writer.view().slice();
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
	for (const one of open.splice(0).reverse()) await one.close();
});

async function start(behaviour: Behaviour): Promise<{ server: StrangeServer; address: string }> {
	const server = new StrangeServer(behaviour);
	open.push(server);
	return { server, address: await server.listen() };
}

function connect(servers: string, options: { readOnly?: boolean; requestTimeoutMs?: number } = {}) {
	const events: string[] = [];
	const session = new Session({
		servers: parseConnectString(servers),
		timeoutMs: 5000,
		readOnly: false,
		maxFrameBytes: 1000,
		requestTimeoutMs: 0,
		resetWatches: true,
		onEvent: (event) => events.push(eventText(event)),
		...options,
	});
	open.push(session);
	return { session, events };
}

describe('a session', () => {
	it('goes over from a read-only server to one that takes writes, as a new session', async () => {
		const readOnly = await start({ readOnly: true, mode: 'ro' });
		const { session, events } = connect(readOnly.address, { readOnly: true });
		await expect.poll(() => session.state).toBe('CONNECTEDREADONLY');
		expect(events).toEqual(['WatchedEvent state:ConnectedReadOnly type:None path:null']);

		const both = await start({ mode: 'rw' });
		const two = connect(`${readOnly.address},${both.address}`, { readOnly: true });
		await vi.waitFor(() => expect(two.session.state).toBe('CONNECTED'), { timeout: 60_000 });
		expect(both.server.sessions).toEqual([0n]);
	});

	it.each([
		[
			'an answer to another request',
			(xid: number) => frame((w) => writeReplyHeader(w, { xid: xid + 1, zxid: 1, error: 0 })),
		],
		['an answer that ends too soon', () => frame((w) => w.writeInt(1))],
		['a negative length', () => Uint8Array.of(0xff, 0xff, 0xff, 0xfe)],
		['an answer that is too large', () => frame((w) => w.writeBuffer(new Uint8Array(2000)))],
	])('gives up a connection with %s', async (_, answer) => {
		let first = true;
		const { server, address } = await start({
			answer: (xid) => {
				if (!first) return 0;
				first = false;
				return answer(xid);
			},
		});
		const { session } = connect(address);
		expect(await session.submit({ kind: 'whoAmI' })).toEqual({
			error: errors.connectionLoss.code,
			response: undefined,
		});
		// And comes back, with its session.
		expect(await session.submit({ kind: 'whoAmI' })).toMatchObject({ error: 0 });
		expect(server.sessions).toEqual([0n, 7n]);
	});

	it('fails requests that take too long', async () => {
		const { address } = await start({ answer: () => new Uint8Array() });
		const { session } = connect(address, { requestTimeoutMs: 100 });
		expect((await session.submit({ kind: 'whoAmI' })).error).toBe(errors.requestTimeout.code);
	});

	it('needs no server to be closed, and fails what comes later', async () => {
		const { server, address } = await start({});
		server.close();
		const { session, events } = connect(address);
		expect((await session.submit({ kind: 'whoAmI' })).error).toBe(errors.connectionLoss.code);
		await session.close();
		expect((await session.submit({ kind: 'whoAmI' })).error).toBe(errors.sessionExpired.code);
		expect(events).toEqual(['WatchedEvent state:Closed type:None path:null']);
	});
});
