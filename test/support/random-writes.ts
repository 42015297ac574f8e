/** Writes drawn from a seed over few paths, so that they meet: many fail, in every way that ZooKeeper has. */
import type { CreateMode, CreateOp, DeleteOp, MultiOp, Op, SetDataOp } from '#core/model/op';
import { openAcl } from '#jute/acl';
import type { Acl } from '#jute/records';

const modes: readonly CreateMode[] = [
	'persistent',
	'persistent',
	'persistent',
	'ephemeral',
	'persistentSequential',
	'ephemeralSequential',
	'container',
	'ttl',
	'ttlSequential',
];
const names = ['a', 'b', 'c', 'ä', '日本', 'long-name-with-digits-0123456789'];
const acls: readonly (readonly Acl[])[] = [
	openAcl,
	openAcl,
	[{ perms: 31, scheme: 'digest', id: 'ada:mxnYzuZj3ylX0eP3cLcaCXxTI3g=' }],
	[
		{ perms: 1, scheme: 'world', id: 'anyone' },
		{ perms: 31, scheme: 'ip', id: '203.0.113.7' },
	],
];

/** mulberry32: uniform in [0, 1), the same for the same seed. */
export function seeded(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

export class RandomWrites {
	private readonly random: () => number;

	constructor(seed: number) {
		this.random = seeded(seed);
	}

	next(): Op {
		const dice = this.random();
		if (dice < 0.15) return this.multi();
		if (dice < 0.22) return { kind: 'setACL', path: this.path(), acl: this.pick(acls), version: this.version() };
		return this.single();
	}

	pick<T>(list: readonly T[]): T {
		return list[Math.floor(this.random() * list.length)]!;
	}

	private multi(): MultiOp {
		const count = Math.floor(this.random() * 5);
		return {
			kind: 'multi',
			ops: Array.from({ length: count }, () => (this.random() < 0.2 ? this.check() : this.single())),
		};
	}

	private check(): MultiOp['ops'][number] {
		return { kind: 'check', path: this.path(), version: this.version() };
	}

	private single(): CreateOp | SetDataOp | DeleteOp {
		const dice = this.random();
		if (dice < 0.5) return this.create();
		if (dice < 0.75) return { kind: 'setData', path: this.path(), data: this.data(), version: this.version() };
		return { kind: 'delete', path: this.path(), version: this.version() };
	}

	private create(): CreateOp {
		const mode = this.pick(modes);
		const ttl = mode.startsWith('ttl') ? { ttlMs: 1 + Math.floor(this.random() * 1e9) } : {};
		return {
			kind: 'create',
			path: this.path(),
			data: this.data(),
			acl: this.pick(acls),
			mode,
			withStat: this.random() < 0.5,
			...ttl,
		};
	}

	private path(): string {
		const depth = 1 + Math.floor(this.random() * 3);
		return `/${Array.from({ length: depth }, () => this.pick(names)).join('/')}`;
	}

	private data(): Uint8Array | null {
		const dice = this.random();
		if (dice < 0.1) return null;
		return Buffer.alloc(Math.floor(dice * dice * 300), `${dice}`);
	}

	/** Mostly any. */
	private version(): number {
		return this.random() < 0.8 ? -1 : Math.floor(this.random() * 3);
	}
}
