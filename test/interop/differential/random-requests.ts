/** Single requests of every operation, good and bad, drawn from a seed. */
import type { MultiRead, MultiWrite } from '#jute/client/multi-request';
import type { ClientRequest } from '#jute/client/requests';
import { opCode } from '#jute/op-codes';
import { superUser } from '#test/support/real-zookeeper';
import { limits, open, type RandomValues, stats, users, type WatchStyle } from './random-values.ts';
import { bodyOf, type ScriptRequest } from './script.ts';

/** A count below -1 is a malformed vector here, and an empty one for ZooKeeper (docs/divergence.md). */
function hasVector({ type }: ScriptRequest): boolean {
	return ![opCode.delete, opCode.setData, opCode.exists, opCode.getData, opCode.getChildren, opCode.sync].some(
		(one) => one === type,
	);
}

export class RandomRequests {
	readonly #values: RandomValues;
	/** Paths that watches were asked of lately. */
	readonly #watched: string[] = [];

	constructor(values: RandomValues) {
		this.#values = values;
	}

	request(): ScriptRequest {
		return this.#values.weighted<ScriptRequest>([
			[14, () => this.#create()],
			[8, () => this.#setData()],
			[8, () => this.#delete()],
			[14, () => this.#read()],
			[5, () => this.#setAcl()],
			[8, () => this.#multi()],
			[3, () => this.#multiRead()],
			[6, () => this.#watchRequest()],
			[3, () => this.#setWatches()],
			[3, () => this.#quota()],
			[3, () => this.#misc()],
			[2, () => this.#anyAuth()],
			[3, () => this.#malformed()],
			[0.4, () => this.#ending()],
		]);
	}

	#inPipeline(): ScriptRequest {
		return this.#values.weighted<ScriptRequest>([
			[4, () => this.#create()],
			[3, () => this.#setData()],
			[3, () => this.#delete()],
			[4, () => this.#read()],
			[2, () => this.#multi()],
			[1, () => this.#multiRead()],
			[1, () => this.plain({ kind: 'ping' })],
			[1, () => this.plain({ kind: 'sync', path: this.#values.path() })],
			[1, () => this.#watchRequest()],
		]);
	}

	/**
	 * What goes out in one write. Credentials come first: ZooKeeper looks at them as soon as it has read them, whatever is under way, and whether
	 * an event of that is delivered depends on them.
	 */
	pipeline(count: number): ScriptRequest[] {
		this.#values.pipelined = true;
		const requests = Array.from({ length: count }, () => this.#inPipeline());
		if (this.#values.chance(0.1)) requests.push(...this.#watchAndCheck());
		if (this.#values.chance(0.1)) requests.push(...this.#watchAndRemove());
		this.#values.pipelined = false;
		if (this.#values.chance(0.2)) requests.unshift(this.auth(this.#values.choose(users)));
		return requests;
	}

	/** In ZooKeeper 3.8 a check is content with anybody's watch: on a path where all have the same. */
	#watchAndCheck(): ScriptRequest[] {
		const path = '/watched';
		return [
			this.plain({ kind: 'exists', path, watch: true }),
			this.plain({ kind: 'checkWatches', path, type: this.#values.watcherType() }),
		];
	}

	#watchAndRemove(): ScriptRequest[] {
		const path = this.#values.path();
		if (this.#values.watchMode(path) !== 'oneShot') return [];
		return [
			this.plain({ kind: this.#values.choose(['exists', 'getData', 'getChildren']), path, watch: true }),
			this.plain({ kind: 'removeWatches', path, type: this.#values.watcherType() }),
			this.plain({ kind: 'removeWatches', path, type: this.#values.watcherType() }),
		];
	}

	/** A quota with hard limits on /q, counting from now on. */
	quotaOfQ(): ScriptRequest[] {
		const nodes = [
			['/zookeeper/quota/q', ''],
			['/zookeeper/quota/q/zookeeper_limits', this.#limits()],
			['/zookeeper/quota/q/zookeeper_stats', 'count=2,bytes=0'],
		] as const;
		return nodes.map(([path, text]) =>
			this.plain({ kind: 'create', path, data: Buffer.from(text), acl: open, flags: 0 }),
		);
	}

	#limits(): string {
		return this.#values.choose([
			'count=3,bytes=-1',
			'count=-1,bytes=20',
			'count=-1,bytes=-1=;byteHardLimit=30;countHardLimit=4',
			'count=5,bytes=60=;byteHardLimit=-1;countHardLimit=6',
			'count=1,bytes=1',
			'count=-1,bytes=-1=;byteHardLimit=60;countHardLimit=-1',
			'count=-1,bytes=-1=;byteHardLimit=15;countHardLimit=3',
			'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2',
			'',
		]);
	}

	#create(): ScriptRequest {
		const request = this.#createRequest();
		// With a flag or TTL that is wrong as well, it is a matter of order: ZooKeeper has decoded the path by then.
		const isPlain = request.kind === 'create' && request.flags >= 0 && request.flags < 4;
		return isPlain ? this.#possiblyNull(this.plain(request)) : this.plain(request);
	}

	#createRequest(): MultiWrite {
		const kind = this.#values.choose([
			'create',
			'create',
			'create',
			'create2',
			'create2',
			'createContainer',
			'createTTL',
		] as const);
		const sequential = this.#values.chance(0.3);
		const path = sequential ? this.#values.prefix() : this.#values.path();
		const data = this.#values.data();
		const acl = this.#values.aclFor(path);
		const flags = this.#flags(kind, sequential);
		if (kind !== 'createTTL') return { kind, path, data, acl, flags };
		const ttlMs = this.#values.choose([600_000, 600_000, 600_000, 600_000, 1, 0, -1, 0xff_ffff_ffff, 0x100_0000_0000]);
		// A negative TTL without a TTL flag ends ZooKeeper's process: see docs/divergence.md.
		return { kind, path, data, acl, flags, ttlMs: flags === 5 || flags === 6 ? ttlMs : Math.abs(ttlMs) };
	}

	#flags(kind: string, sequential: boolean): number {
		// Of the flags that exist, createContainer gets its own only: ZooKeeper makes a container of any (docs/divergence.md).
		if (this.#values.chance(0.06)) return this.#values.choose([-1, 4, 5, 6, 7, 100, 0x7fff_ffff]);
		if (kind === 'createTTL') return this.#values.chance(0.1) ? this.#values.below(5) : sequential ? 6 : 5;
		if (kind === 'createContainer') return 4;
		return (sequential ? 2 : 0) + (this.#values.chance(0.3) ? 1 : 0);
	}

	plainCreate(path: string): ScriptRequest {
		return this.plain({ kind: 'create', path, data: new Uint8Array(0), acl: open, flags: 0 });
	}

	#setData(): ScriptRequest {
		return this.#possiblyNull(
			this.plain({
				kind: 'setData',
				path: this.#values.path(),
				data: this.#values.data(),
				version: this.#values.version(),
			}),
		);
	}

	#delete(): ScriptRequest {
		return this.#possiblyNull(
			this.plain({ kind: 'delete', path: this.#values.path(), version: this.#values.version() }),
		);
	}

	#read(): ScriptRequest {
		const path = this.#values.path();
		const watch = this.#values.chance(0.5) && this.#values.watchMode(path) === 'oneShot';
		return this.#possiblyNull(
			this.plain(
				this.#values.weighted<ClientRequest>([
					[3, () => ({ kind: 'exists', path, watch })],
					[3, () => ({ kind: 'getData', path, watch })],
					[2, () => ({ kind: 'getChildren', path, watch })],
					[2, () => ({ kind: 'getChildren2', path, watch })],
					[2, () => ({ kind: 'getACL', path })],
					[1, () => ({ kind: 'getAllChildrenNumber', path })],
					[1, () => ({ kind: 'getEphemerals', path: this.#values.choose(['', '/', '/a', path, ' ', ' / ']) })],
				]),
			),
		);
	}

	#setAcl(): ScriptRequest {
		const path = this.#values.path();
		return this.#possiblyNull(
			this.plain({ kind: 'setACL', path, acl: this.#values.aclFor(path), version: this.#values.version() }),
		);
	}

	#multi(): ScriptRequest {
		const ops: MultiWrite[] = [];
		for (let left = this.#values.below(5); left > 0; left--) ops.push(this.#multiOp());
		// Writes and reads have the same form: either can be sent as the other, which ZooKeeper does not allow.
		return {
			...this.plain({ kind: 'multi', ops }),
			type: this.#values.chance(0.02) ? opCode.multiRead : opCode.multi,
		};
	}

	#multiOp(): MultiWrite {
		return this.#values.weighted<MultiWrite>([
			[4, () => this.#createInMulti()],
			[2, () => ({ kind: 'delete', path: this.#values.path(), version: this.#values.version() })],
			[
				2,
				() => ({
					kind: 'setData',
					path: this.#values.path(),
					data: this.#values.data(),
					version: this.#values.version(),
				}),
			],
			[2, () => ({ kind: 'check', path: this.#values.path(), version: this.#values.version() })],
		]);
	}

	#createInMulti(): MultiWrite {
		for (;;) {
			const request = this.#createRequest();
			// A TTL's flag without a TTL: see docs/divergence.md.
			if (request.kind === 'createTTL' || !('flags' in request) || (request.flags !== 5 && request.flags !== 6))
				return request;
		}
	}

	#multiRead(): ScriptRequest {
		const ops: MultiRead[] = [];
		for (let left = this.#values.below(4); left > 0; left--) {
			const kind = this.#values.choose(['getData', 'getChildren'] as const);
			ops.push({ kind, path: this.#values.path(), watch: this.#values.chance(0.3) });
		}
		return {
			...this.plain({ kind: 'multiRead', ops }),
			type: this.#values.chance(0.05) ? opCode.multi : opCode.multiRead,
		};
	}

	#watchRequest(): ScriptRequest {
		const path =
			this.#watched.length > 3 && !this.#values.pipelined && this.#values.chance(0.5)
				? this.#watched.shift()!
				: this.#values.path();
		this.#watched.push(path);
		const mode = this.#values.watchMode(path);
		return this.#possiblyNull(
			this.plain(
				this.#values.weighted<ClientRequest>([
					[
						4,
						() =>
							mode === 'oneShot'
								? { kind: 'exists', path, watch: true }
								: { kind: 'addWatch', path, mode: mode === 'persistent' ? 0 : 1 },
					],
					[0.3, () => ({ kind: 'addWatch', path, mode: this.#values.choose([2, -1]) })],
					[2, () => ({ kind: 'removeWatches', path, type: mode === 'oneShot' ? this.#values.watcherType() : 3 })],
					[0.5, () => ({ kind: 'checkWatches', path: '/unwatched', type: this.#values.watcherType() })],
				]),
			),
		);
	}

	#setWatches(): ScriptRequest {
		const kind = this.#values.choose(['setWatches', 'setWatches2']);
		const some = (mode: WatchStyle): string[] =>
			Array.from({ length: this.#values.below(3) }, () => this.#values.path()).filter(
				(path) => this.#values.watchMode(path) === mode && (mode !== 'oneShot' || this.#values.isOpen(path)),
			);
		const persistent =
			kind === 'setWatches2'
				? { persistent: some('persistent'), persistentRecursive: some('recursive') }
				: { persistent: [], persistentRecursive: [] };
		const [data, exist, child] = [some('oneShot'), some('oneShot'), some('oneShot')];
		const request: ClientRequest = { kind, relativeZxid: 0, data, exist, child, ...persistent };
		return { ...this.plain(request), zxidsBehind: this.#values.choose([0, 0, 1, 3, 10, 1000]) };
	}

	/** Quota nodes as clients make them. What cannot be read there ends ZooKeeper's process, or its writes (docs/divergence.md). */
	#quota(): ScriptRequest {
		const data = Buffer.from(this.#limits());
		const path = this.#values.choose(limits);
		return this.plain(
			this.#values.weighted<ClientRequest>([
				[3, () => ({ kind: 'create', path, data, acl: open, flags: 0 })],
				[2, () => ({ kind: 'create', path: path.slice(0, path.lastIndexOf('/')), data: null, acl: open, flags: 0 })],
				[1, () => ({ kind: 'create', path: '/zookeeper/quota/b', data: null, acl: open, flags: 0 })],
				[
					2,
					() => ({
						kind: 'create',
						path: this.#values.choose(stats),
						data: Buffer.from('count=0,bytes=0'),
						acl: open,
						flags: 0,
					}),
				],
				[2, () => ({ kind: 'setData', path, data, version: -1 })],
				[1, () => ({ kind: 'delete', path, version: -1 })],
				[1, () => ({ kind: 'delete', path: this.#values.choose(stats), version: -1 })],
				[
					3,
					() => ({
						kind: 'getData',
						path: this.#values.choose([...limits, ...stats]),
						watch: this.#values.chance(0.3),
					}),
				],
			]),
		);
	}

	#misc(): ScriptRequest {
		return this.#values.weighted<ScriptRequest>([
			[3, () => this.plain({ kind: 'ping' })],
			[3, () => this.plain({ kind: 'whoAmI' })],
			[3, () => this.#possiblyNull(this.plain({ kind: 'sync', path: this.#values.path() }))],
			[
				1,
				() =>
					this.plain({
						kind: 'reconfig',
						joiningServers: null,
						leavingServers: this.#values.choose(['1', null]),
						newMembers: null,
						configId: this.#values.choose([-1n, 0n]),
					}),
			],
			[1, () => ({ ...this.plain({ kind: 'ping' }), xid: 77 })],
			[1, () => ({ ...this.#read(), xid: this.#values.choose([0, 2_147_483_647, -3, -100]) })],
		]);
	}

	#anyAuth(): ScriptRequest {
		return this.#values.weighted<ScriptRequest>([
			[6, () => this.auth(this.#values.choose(users))],
			[1, () => this.auth(superUser.auth)],
			[1, () => this.auth(this.#values.choose(['', 'nocolon', ':', 'super:wrong']))],
			[1, () => this.plain({ kind: 'auth', type: 0, scheme: 'ip', auth: Buffer.from('10.0.0.1') })],
			[
				0.5,
				() =>
					this.plain({
						kind: 'auth',
						type: 0,
						scheme: this.#values.choose(['world', 'nothing', '', 'sasl']),
						auth: Buffer.from('x'),
					}),
			],
			[0.3, () => this.plain({ kind: 'auth', type: 5, scheme: 'digest', auth: null })],
		]);
	}

	auth(user: string): ScriptRequest {
		return this.plain({ kind: 'auth', type: 0, scheme: 'digest', auth: Buffer.from(user) });
	}

	/** Any operation with a body that ends too early, or with bytes behind it. */
	#malformed(): ScriptRequest {
		const whole = this.#values.weighted<ScriptRequest>([
			[3, () => this.#create()],
			[2, () => this.#setData()],
			[2, () => this.#delete()],
			[4, () => this.#read()],
			[2, () => this.#setAcl()],
			[3, () => this.#multi()],
			[2, () => this.#multiRead()],
			[2, () => this.#watchRequest()],
			[2, () => this.#setWatches()],
			[1, () => this.plain({ kind: 'sync', path: this.#values.path() })],
			[
				1,
				() =>
					this.plain({ kind: 'reconfig', joiningServers: null, leavingServers: '1', newMembers: null, configId: -1n }),
			],
		]);
		const body = bodyOf(whole, 0);
		return this.#values.weighted<ScriptRequest>([
			[4, () => ({ ...whole, cut: this.#values.below(body.length + 1) })],
			[1, () => ({ type: whole.type, bytes: Buffer.concat([body, Buffer.from('more')]) })],
			[hasVector(whole) ? 0 : 1, () => ({ type: whole.type, bytes: this.#scrambled(body) })],
		]);
	}

	#scrambled(body: Uint8Array): Uint8Array {
		const bytes = Uint8Array.from(body);
		// The high byte of a length, a count or a code: lengths that lie.
		if (bytes.length >= 4)
			bytes[4 * this.#values.below(Math.floor(bytes.length / 4))] = this.#values.choose([0x7f, 0xff, 0x80, 1]);
		return bytes;
	}

	/** What ends the connection, the session or both. */
	#ending(): ScriptRequest {
		return this.#values.weighted<ScriptRequest>([
			[3, () => this.plain({ kind: 'closeSession' })],
			[
				1,
				() => ({
					type: this.#values.choose([10, 23, 99, 108, 1000, -1, -2, 0, 102_000]),
					bytes: new Uint8Array(this.#values.below(9)),
				}),
			],
			[
				1,
				() => this.plain({ kind: 'sasl', token: this.#values.choose([null, new Uint8Array(0), Buffer.from('token')]) }),
			],
			[1, () => ({ type: opCode.auth, bytes: new Uint8Array(this.#values.below(7)) })],
		]);
	}

	plain(request: ClientRequest): ScriptRequest {
		return { type: opCode[request.kind], request };
	}

	#possiblyNull(item: ScriptRequest): ScriptRequest {
		if (!this.#values.chance(0.01) || item.request === undefined || !('path' in item.request)) return item;
		// ZooKeeper cannot close a connection that watches null, and its checks depend on whether anybody has a recursive watch.
		if (item.request.kind === 'addWatch' || item.request.kind === 'checkWatches') return item;
		return { ...item, request: { ...item.request, path: '' }, nullPath: true };
	}
}
