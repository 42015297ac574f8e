/** Frames of ZooKeeper's protocol as nobody should send them, from a seed: every request there is, and what becomes of it when bytes change. */

import { openAcl } from '#jute/acl';
import { writeConnectRequest } from '#jute/client/connect';
import type { MultiRead, MultiWrite } from '#jute/client/multi-request';
import type { ClientRequest } from '#jute/client/requests';
import { opCode } from '#jute/op-codes';
import type { Acl } from '#jute/records';
import type { SessionId } from '#jute/scalars';
import { seeded } from './random-writes.ts';
import { frame, requestBody, requestFrame } from './wire-client.ts';

const kinds = [
	'create',
	'create2',
	'createContainer',
	'createTTL',
	'delete',
	'check',
	'setData',
	'exists',
	'getData',
	'getChildren',
	'getChildren2',
	'setACL',
	'getACL',
	'sync',
	'getAllChildrenNumber',
	'getEphemerals',
	'checkWatches',
	'removeWatches',
	'addWatch',
	'setWatches',
	'setWatches2',
	'reconfig',
	'auth',
	'sasl',
	'multi',
	'multiRead',
	'ping',
	'whoAmI',
	'closeSession',
] as const satisfies readonly ClientRequest['kind'][];
export type RequestKind = (typeof kinds)[number];
export const requestKinds: readonly RequestKind[] = kinds;

const multiWrites = ['create', 'create2', 'createContainer', 'createTTL', 'delete', 'check', 'setData'] as const;
/** Where the interesting numbers are: around zero, at the ends, and what looks like a length. */
const oddInts = [0, 1, -1, -2, 2, 4, 255, 256, 65_536, 1_048_575, 1_048_576, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1];

export class HostileFrames {
	readonly random: () => number;
	/** Everything that is written lies below it. */
	readonly #root: string;

	constructor(seed: number, root = '/hostile') {
		this.random = seeded(seed);
		this.#root = root;
	}

	int(below: number): number {
		return Math.floor(this.random() * below);
	}

	pick<T>(list: readonly T[]): T {
		return list[this.int(list.length)]!;
	}

	bytes(count: number): Uint8Array {
		return Uint8Array.from({ length: count }, () => this.int(256));
	}

	/** A request as it should be. */
	request(kind: RequestKind = this.pick(kinds)): ClientRequest {
		const path = this.#path();
		switch (kind) {
			case 'create':
			case 'create2':
			case 'createContainer':
			case 'createTTL':
			case 'delete':
			case 'check':
			case 'setData':
				return this.#write(kind);
			case 'exists':
			case 'getData':
			case 'getChildren':
			case 'getChildren2':
				return { kind, path, watch: this.#chance(0.5) };
			case 'setACL':
				return { kind, path, acl: this.#acl(), version: this.#version() };
			case 'getACL':
			case 'sync':
			case 'getAllChildrenNumber':
			case 'getEphemerals':
				return { kind, path };
			case 'checkWatches':
			case 'removeWatches':
				return { kind, path, type: this.int(7) };
			case 'addWatch':
				return { kind, path, mode: this.int(3) };
			case 'setWatches':
			case 'setWatches2':
				return this.#setWatches(kind);
			case 'reconfig':
				return { kind, joiningServers: path, leavingServers: null, newMembers: '', configId: -1n };
			case 'auth':
				return { kind, type: 0, scheme: this.pick(['digest', 'ip', 'super', '', 'x']), auth: this.bytes(this.int(9)) };
			case 'sasl':
				return { kind, token: this.bytes(this.int(9)) };
			case 'multi':
				return { kind, ops: Array.from({ length: this.int(6) }, () => this.#write(this.pick(multiWrites))) };
			case 'multiRead':
				return { kind, ops: Array.from({ length: this.int(6) }, (): MultiRead => this.#read()) };
			default:
				return { kind };
		}
	}

	/** The frame of a request, well-formed. */
	wellFormed(request: ClientRequest = this.request(), xid = this.int(1_000_000)): Uint8Array {
		return requestFrame(opCode[request.kind], requestBody(request), xid);
	}

	/** A frame whose length is true and whose content is not: what reaches the decoding of requests. */
	mutated(): Uint8Array {
		const body = this.mutate(this.wellFormed().subarray(4));
		return frame((writer) => writer.writeRaw(body));
	}

	/** A frame with another length than it has. */
	lying(): Uint8Array {
		const bytes = this.wellFormed().slice();
		const lie = this.#chance(0.5) ? bytes.length - 4 + this.int(64) - 32 : this.pick(oddInts);
		new DataView(bytes.buffer).setInt32(0, lie);
		return bytes;
	}

	/** A handshake for nobody's session, with a wrong password. */
	wrongPassword(sessionId: bigint): Uint8Array {
		return frame((writer) =>
			writeConnectRequest(writer, {
				protocolVersion: 0,
				lastZxidSeen: 0,
				timeoutMs: 10_000,
				sessionId: sessionId as SessionId,
				password: this.bytes(16),
				readOnly: false,
			}),
		);
	}

	/** One to three changes of a kind that happens on wires and in hostile hands. */
	mutate(original: Uint8Array): Uint8Array {
		let bytes = original.slice();
		for (let count = 1 + this.int(3); count > 0; count--) bytes = this.#change(bytes);
		return bytes;
	}

	#change(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
		const at = this.int(bytes.length);
		switch (this.int(7)) {
			case 0:
				return this.#flipped(bytes, at);
			case 1:
				return bytes.slice(0, at);
			case 2:
				return Uint8Array.from([...bytes, ...this.bytes(1 + this.int(40))]);
			case 3:
				return withInt(bytes, at, this.pick(oddInts));
			case 4:
				return withInt(bytes, at, bytes.length - at + this.int(9) - 8);
			case 5:
				// Two numbers change places: lengths, mostly.
				return withInt(withInt(bytes, at, intAt(bytes, at >> 1)), at >> 1, intAt(bytes, at));
			default:
				return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at >> 1)]);
		}
	}

	#flipped(bytes: Uint8Array, at: number): Uint8Array<ArrayBuffer> {
		const changed = bytes.slice();
		if (changed.length > 0) changed[at] = changed[at]! ^ (1 << this.int(8));
		return changed;
	}

	#write(kind: (typeof multiWrites)[number]): MultiWrite {
		const path = this.#path();
		switch (kind) {
			case 'delete':
			case 'check':
				return { kind, path, version: this.#version() };
			case 'setData':
				return { kind, path, data: this.#data(), version: this.#version() };
			case 'createTTL': {
				const flags = 5 + this.int(2);
				return { kind, path, data: this.#data(), acl: this.#acl(), flags, ttlMs: this.int(1e9) };
			}
			default:
				return { kind, path, data: this.#data(), acl: this.#acl(), flags: this.pick([0, 0, 0, 1, 2, 3, 4, 9]) };
		}
	}

	#read(): MultiRead {
		return { kind: this.pick(['getData', 'getChildren'] as const), path: this.#path(), watch: false };
	}

	#setWatches(kind: 'setWatches' | 'setWatches2'): ClientRequest {
		const some = (): string[] => Array.from({ length: this.int(4) }, () => this.#path());
		const persistent = kind === 'setWatches2' ? some() : [];
		const all = { data: some(), exist: some(), child: some(), persistent, persistentRecursive: persistent };
		return { kind, relativeZxid: this.int(1000), ...all };
	}

	/** Few, so that requests meet; a malformed one now and then. */
	#path(): string {
		const dice = this.random();
		if (dice < 0.02) return this.pick(['', '/', 'x', '//', '/zookeeper', '/zookeeper/quota', `${this.#root}/\u0000`]);
		if (dice < 0.03) return `${this.#root}/..`;
		if (dice < 0.1) return this.#root;
		const name = this.pick(['a', 'b', 'c', 'ä', '日本']);
		return dice < 0.6 ? `${this.#root}/${name}` : `${this.#root}/${name}/${this.int(20)}`;
	}

	#data(): Uint8Array | null {
		return this.#chance(0.2) ? null : this.bytes(this.int(60));
	}

	#acl(): readonly Acl[] {
		if (this.#chance(0.8)) return openAcl;
		return this.pick<readonly Acl[]>([
			[],
			[{ perms: 31, scheme: 'auth', id: '' }],
			[{ perms: 1, scheme: '?', id: 'x' }],
		]);
	}

	#version(): number {
		return this.int(4) - 1;
	}

	#chance(share: number): boolean {
		return this.random() < share;
	}
}

function intAt(bytes: Uint8Array, at: number): number {
	return at + 4 <= bytes.length ? new DataView(bytes.buffer, bytes.byteOffset).getInt32(at) : 0;
}

function withInt(bytes: Uint8Array, at: number, value: number): Uint8Array<ArrayBuffer> {
	const changed = bytes.slice();
	if (at + 4 <= changed.length) new DataView(changed.buffer).setInt32(at, value);
	return changed;
}
