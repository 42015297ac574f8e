/**
 * Clients that do to a client port what nobody should. Each act opens connections of its own and is over when the server has closed them, or when
 * the act has left; none of them expects anything but that.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { openAcl } from '#jute/acl';
import { writeConnectRequest } from '#jute/client/connect';
import type { ClientRequest } from '#jute/client/requests';
import type { SessionId } from '#jute/scalars';
import type { HostileFrames } from './hostile-frames.ts';
import { frame, requestFrame } from './wire-client.ts';

const handshake = frame((writer) =>
	writeConnectRequest(writer, {
		protocolVersion: 0,
		lastZxidSeen: 0,
		timeoutMs: 1000,
		sessionId: 0n as SessionId,
		password: new Uint8Array(16),
		readOnly: false,
	}),
);
const words = ['ruok', 'srvr', 'stat', 'mntr', 'conf', 'cons', 'dump', 'envi', 'dirs', 'wchs', 'wchc', 'wchp', 'isro'];
/** Of the acts: those whose requests have a mebibyte. */
const heavyShare = 0.05;
/** A server that has not closed a connection by then, which was ended, does not close it. */
const patienceMs = 60_000;

export class HostileClients {
	readonly #port: number;
	readonly #frames: HostileFrames;
	/** Sessions that exist and are not ours. */
	readonly #others: readonly bigint[];
	readonly #open = new Set<Socket>();
	/** How often each act was done. */
	readonly done = new Map<string, number>();

	constructor(port: number, frames: HostileFrames, others: readonly bigint[]) {
		this.#port = port;
		this.#frames = frames;
		this.#others = others;
	}

	/** One act of those that take a moment, chosen by the seed. */
	async act(): Promise<void> {
		const [name, act] = this.#frames.pick(this.#frames.random() < heavyShare ? this.#heavyActs : this.#acts);
		await act();
		this.done.set(name, (this.done.get(name) ?? 0) + 1);
	}

	/** Connections that say nothing. @returns how many were accepted */
	async silent(count: number): Promise<number> {
		let opened = 0;
		for (let left = count; left > 0; left -= 200) {
			const batch = await Promise.all(Array.from({ length: Math.min(200, left) }, () => this.#connect()));
			opened += batch.filter((socket) => !socket.destroyed).length;
		}
		return opened;
	}

	get openConnections(): number {
		return this.#open.size;
	}

	close(): void {
		for (const socket of this.#open) socket.destroy();
	}

	readonly #acts: readonly (readonly [string, () => Promise<void>])[] = [
		[
			'mutated frames',
			() =>
				this.#talk(
					true,
					this.#many(60, () => this.#frames.mutated()),
				),
		],
		[
			'well-formed frames',
			() =>
				this.#talk(
					true,
					this.#many(200, () => this.#frames.wellFormed()),
				),
		],
		[
			'lying lengths',
			() => this.#talk(true, [...this.#many(5, () => this.#frames.wellFormed()), this.#frames.lying()]),
		],
		['a mutated handshake', () => this.#talk(false, [this.#frames.mutate(handshake), this.#frames.mutated()])],
		['random bytes', () => this.#talk(this.#frames.random() < 0.5, [this.#frames.bytes(this.#frames.int(5000))])],
		['half a frame', () => this.#talk(true, [this.#frames.wellFormed().subarray(0, 1 + this.#frames.int(12))])],
		[
			'handshakes again',
			() =>
				this.#talk(
					true,
					this.#many(5, () => handshake),
				),
		],
		['wrong passwords', () => this.#wrongPasswords()],
		[
			'words',
			() => this.#talk(false, [this.#text(this.#frames.pick(words)), this.#frames.bytes(this.#frames.int(30))]),
		],
		['unknown words', () => this.#talk(false, [this.#text(this.#frames.pick(['abcd', 'GET ', '\r\n\r\n', 'quit']))])],
		['a byte at a time', () => this.#byteByByte()],
		['resets', () => this.#reset()],
		['connections that close at once', () => this.#closeAtOnce()],
		[
			'pings',
			() =>
				this.#talk(
					true,
					this.#many(2000, () => requestFrame(11, new Uint8Array(0), -2)),
				),
		],
	];

	readonly #heavyActs: readonly (readonly [string, () => Promise<void>])[] = [
		['a giant multi', () => this.#talk(true, [this.#giantMulti()])],
		['watches on 100,000 paths', () => this.#talk(true, this.#manyWatches())],
		['deep paths', () => this.#talk(true, this.#deepPaths())],
		['paths of a mebibyte', () => this.#talk(true, this.#longPaths())],
		['no reading', () => this.#doNotRead()],
		[
			'pings',
			() =>
				this.#talk(
					true,
					this.#many(2000, () => requestFrame(11, new Uint8Array(0), -2)),
				),
		],
	];

	#many(count: number, make: () => Uint8Array): Uint8Array[] {
		return Array.from({ length: count }, make);
	}

	#text(text: string): Uint8Array {
		return Buffer.from(text);
	}

	#request(request: ClientRequest): Uint8Array {
		return this.#frames.wellFormed(request);
	}

	/** Says all of it and ends; what comes back is read and forgotten. */
	async #talk(withSession: boolean, parts: readonly Uint8Array[]): Promise<void> {
		const socket = await this.#connect();
		socket.resume();
		if (withSession) socket.write(handshake);
		socket.end(Buffer.concat(parts));
		await this.#closed(socket);
	}

	async #wrongPasswords(): Promise<void> {
		await Promise.all(
			this.#many(20, () => new Uint8Array(0)).map(() =>
				this.#talk(false, [this.#frames.wrongPassword(this.#frames.pick([...this.#others, 1n, 2n ** 63n]))]),
			),
		);
	}

	async #byteByByte(): Promise<void> {
		const socket = await this.#connect();
		socket.setNoDelay(true);
		socket.resume();
		for (const byte of Buffer.concat([handshake, this.#frames.wellFormed(), this.#frames.mutated()])) {
			socket.write(Uint8Array.of(byte));
			await new Promise((resolve) => setImmediate(resolve));
		}
		socket.end();
		await this.#closed(socket);
	}

	async #reset(): Promise<void> {
		const socket = await this.#connect();
		socket.write(Buffer.concat([handshake, ...this.#many(this.#frames.int(50), () => this.#frames.wellFormed())]));
		if (this.#frames.random() < 0.5) await Promise.race([once(socket, 'data').catch(() => []), this.#closed(socket)]);
		socket.resetAndDestroy();
	}

	async #closeAtOnce(): Promise<void> {
		const all = await Promise.all(this.#many(20, () => handshake).map(() => this.#connect()));
		for (const socket of all) socket.destroy();
	}

	#giantMulti(): Uint8Array {
		const round = this.#frames.int(3);
		const ops = Array.from({ length: 10_000 }, (_, i) => ({
			kind: 'create' as const,
			path: `/hostile/multi${round}-${i}`,
			data: null,
			acl: openAcl,
			flags: 0,
		}));
		const removals = ops.map(({ path }) => ({ kind: 'delete' as const, path, version: -1 }));
		return this.#request({ kind: 'multi', ops: this.#frames.random() < 0.5 ? ops : removals });
	}

	#manyWatches(): Uint8Array[] {
		const paths = Array.from({ length: 50_000 }, (_, i) => `/hostile/w${i}`);
		const none = { data: [], exist: [], child: [], persistent: [], persistentRecursive: [] };
		return [
			this.#request({ kind: 'setWatches', relativeZxid: 1, ...none, exist: paths }),
			this.#request({ kind: 'setWatches2', relativeZxid: 1, ...none, persistentRecursive: paths }),
		];
	}

	#deepPaths(): Uint8Array[] {
		const levels = Array.from({ length: 100 }, (_, depth) => `/hostile${'/d'.repeat(depth + 1)}`);
		const creates = levels.map((path) => this.#request({ kind: 'create', path, data: null, acl: openAcl, flags: 0 }));
		const slashes = '/a'.repeat(200_000);
		return [
			...creates,
			this.#request({ kind: 'exists', path: slashes, watch: true }),
			this.#request({ kind: 'create', path: slashes, data: null, acl: openAcl, flags: 0 }),
		];
	}

	#longPaths(): Uint8Array[] {
		const path = `/hostile/${'y'.repeat(1_000_000)}`;
		return [
			this.#request({ kind: 'create', path, data: null, acl: openAcl, flags: 0 }),
			this.#request({ kind: 'getData', path, watch: true }),
			this.#request({ kind: 'delete', path, version: -1 }),
			this.#request({ kind: 'getChildren', path: `${path}/z`, watch: false }),
		];
	}

	/** Asks for much, reads nothing, hears of every change, and leaves. */
	async #doNotRead(): Promise<void> {
		const socket = await this.#connect();
		socket.pause();
		const path = '/hostile/large';
		const create: ClientRequest = { kind: 'create', path, data: new Uint8Array(100_000), acl: openAcl, flags: 0 };
		const reads = this.#many(300, () => this.#request({ kind: 'getData', path, watch: false }));
		const watch = this.#request({ kind: 'addWatch', path: '/', mode: 1 });
		socket.write(Buffer.concat([handshake, this.#request(create), watch, ...reads]));
		await this.#talk(
			true,
			this.#many(100, () => this.#frames.wellFormed()),
		);
		socket.destroy();
	}

	/** Connected, or closed already: a server may refuse. */
	async #connect(): Promise<Socket> {
		const socket = connect(this.#port, '127.0.0.1');
		this.#open.add(socket);
		socket.on('close', () => this.#open.delete(socket));
		await new Promise<void>((resolve) => {
			socket.on('connect', resolve);
			socket.on('error', () => resolve());
		});
		return socket;
	}

	async #closed(socket: Socket): Promise<void> {
		if (socket.closed) return;
		const timer = AbortSignal.timeout(patienceMs);
		await new Promise<void>((resolve, reject) => {
			socket.on('close', () => resolve());
			timer.addEventListener('abort', () => reject(new Error('the server keeps a connection that was ended')));
		});
	}
}
