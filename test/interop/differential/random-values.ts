/** Paths, data, access control lists and the like, drawn from a seed: few of each, so that they collide. */
import { createHash } from 'node:crypto';
import type { Acl } from '#jute/records';
import { SeededRandom } from '#test/sim/random';

const tops = ['/a', '/b', '/q'];
const inner = ['/a/x', '/a/y', '/b/z', '/a/x/p', '/q/u', '/q/u/v', '/b/z/w/deep'];
const numbered = ['/a/s0000000000', '/a/s0000000001', '/a/s0000000002', '/b/0000000000', '/a/x/s0000000001'];
const system = [
	'/',
	'/zookeeper',
	'/zookeeper/quota',
	'/zookeeper/config',
	'/zookeeper/quota/q',
	'/zookeeper/quota/b/z',
];
const odd = [
	'',
	'a',
	'a/b',
	'//',
	'/a/',
	'/a//x',
	'/a/.',
	'/a/../b',
	'/./a',
	'/a\0b',
	'/a/\u0001',
	'/a/\u007f',
	'/a/\uf8ff',
	'/a/\ufff0',
	'/ü',
	'/a/日本',
	'/a/x y',
	'/nope',
	'/nope/deeper',
	'/zookeeper/other',
];
export const limits = ['/zookeeper/quota/q/zookeeper_limits', '/zookeeper/quota/b/z/zookeeper_limits'];
export const stats = ['/zookeeper/quota/q/zookeeper_stats', '/zookeeper/quota/b/z/zookeeper_stats'];

/** Of sequential nodes; the first is under a quota. */
const prefixes = ['/q/s', '/a/s', '/b/', '/a/x/s', '/', '/nope/s', '/a/s/'];
/** Where quotas are, which ZooKeeper checks against the tree as it happens to be: not in a pipeline. */
const limited = ['/q', '/b/z', '/zookeeper/quota'];

const everyone: Acl = { perms: 31, scheme: 'world', id: 'anyone' };
export const open: readonly Acl[] = [everyone];
/** The first is who `ada:secret` is. */
export const users = ['ada:secret', 'bob:hidden', 'cleo:'];
const [adaDigest, bobDigest] = users.map(digestOf) as [string, string];

function digestOf(user: string): string {
	return `${user.split(':')[0]}:${createHash('sha1').update(user).digest('base64')}`;
}

export type WatchStyle = 'oneShot' | 'persistent' | 'recursive';

/** One mode per path and script: in ZooKeeper 3.8 a watch of another mode takes the place of the one before, here both stay (docs/divergence.md). */
class WatchModes {
	readonly #random: SeededRandom;
	readonly #modes = new Map<string, WatchStyle>();

	constructor(random: SeededRandom) {
		this.#random = random;
	}

	of(path: string): WatchStyle {
		let mode = this.#modes.get(path);
		if (mode === undefined) {
			mode = this.#random.chance(0.7) ? 'oneShot' : this.#random.pick(['persistent', 'recursive'] as const);
			this.#modes.set(path, mode);
		}
		return mode;
	}
}

/** Everybody may always read these: events of setWatches are told to those who may (docs/divergence.md). */
function isOpen(path: string): boolean {
	return path.startsWith('/b');
}

export class RandomValues extends SeededRandom {
	readonly #watchModes = new WatchModes(this);
	/** Whether what is made goes out with others in one write. */
	pipelined = false;

	/** The mode of all watches that this script sets on the path. */
	watchMode(path: string): WatchStyle {
		return this.#watchModes.of(path);
	}

	isOpen(path: string): boolean {
		return isOpen(path);
	}

	/** What a sequential node's path begins with. */
	prefix(): string {
		return this.choose(prefixes.slice(this.pipelined ? 1 : 0));
	}

	path(): string {
		for (;;) {
			const path = this.#anyPath();
			if (!this.pipelined || !limited.some((prefix) => path.startsWith(prefix))) return path;
		}
	}

	#anyPath(): string {
		return this.weighted<string>([
			[6, () => this.choose(tops)],
			[8, () => this.choose(inner)],
			[3, () => this.choose(numbered)],
			[1.2, () => this.choose(system)],
			[1.2, () => this.choose(odd)],
		]);
	}

	data(): Uint8Array | null {
		if (this.chance(0.15)) return null;
		return Buffer.alloc(this.choose([0, 1, 3, 10, 25, 40]), 97 + this.below(26));
	}

	version(): number {
		return this.choose([-1, -1, -1, -1, -1, 0, 0, 1, 2, 5, -2]);
	}

	aclFor(path: string): readonly Acl[] {
		return isOpen(path) ? open : this.#acl();
	}

	#acl(): readonly Acl[] {
		if (this.chance(0.65)) return open;
		return this.weighted<readonly Acl[]>([
			[3, () => [{ perms: this.choose([31, 31, 1, 3, 5, 16]), scheme: 'auth', id: '' }]],
			[2, () => [{ perms: 31, scheme: 'digest', id: this.choose([adaDigest, bobDigest]) }]],
			[
				2,
				() => [
					{ perms: 31, scheme: 'digest', id: adaDigest },
					{ perms: this.below(32), scheme: 'world', id: 'anyone' },
				],
			],
			[1, () => [{ perms: this.below(32), scheme: 'world', id: 'anyone' }]],
			[1, () => [everyone, everyone, { perms: 1, scheme: 'auth', id: 'x' }]],
			[
				1,
				() => [
					{
						perms: 31,
						scheme: 'ip',
						id: this.choose(['127.0.0.1', '127.0.0.0/8', '10.0.0.0/8', '10.0.0.1/33', '300.1.1.1', '1.2.3', '']),
					},
				],
			],
			[
				1,
				() => [
					{
						perms: 31,
						scheme: this.choose(['world', 'nothing', 'super', 'sasl', 'x509', '']),
						id: this.choose(['', 'anyone', 'x', 'user:x']),
					},
				],
			],
			[1, () => [{ perms: 31, scheme: 'digest', id: this.choose(['', 'nocolon', 'a:b:c', ':', 'a:']) }]],
			[1, () => [{ perms: this.choose([0, 32, -1, 63]), scheme: 'world', id: 'anyone' }]],
			[1, () => []],
		]);
	}

	/** Unlike Random's own, also from items of which one is undefined. */
	choose<const T>(items: readonly T[]): T {
		return items[this.below(items.length)]!;
	}

	weighted<T>(choices: readonly (readonly [number, () => T])[]): T {
		let roll = this.next() * choices.reduce((sum, [weight]) => sum + weight, 0);
		for (const [weight, make] of choices) {
			roll -= weight;
			if (roll < 0) return make();
		}
		return choices.at(-1)![1]();
	}

	watcherType(): number {
		return this.choose([1, 1, 2, 2, 3, 3, 3, 4, 5, 0, -1, 6]);
	}
}
