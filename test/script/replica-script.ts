/**
 * The verbs of the scripts, over one simulated replica. A line is `[client:] verb arguments key=value …`. What a block prints is what
 * reached the clients, in that order: `name! event` and `name< answer`.
 *
 * Unless a script says `hold`, everything settles (turns run, the disk syncs) behind each line.
 */
import type { ChainOptions } from '#core/chain/options';
import type { Caller, CreateMode, MultiOp, Op, Reply, Watcher, WatcherType, WatchMode } from '#core/model/op';
import { formatZxid, noSession, parseZxid, type SessionId, type Zxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { errorName } from '#jute/errors';
import type { Id } from '#jute/records';
import { SimReplica } from '../sim/sim-replica.ts';
import { formatAcl, formatEvent, formatRecord, formatResult, parseAcl } from './notation.ts';

interface Client {
	readonly name: string;
	sessionId: SessionId;
	password: Uint8Array;
	identities: readonly Id[];
	caller: Caller;
	cxid: number;
}

interface Line {
	readonly client: string;
	readonly verb: string;
	readonly words: readonly string[];
	readonly keys: ReadonlyMap<string, string>;
}

type Verb = (line: Line, rest: readonly string[]) => void;

const open = parseAcl('world:anyone:rwcda');

export class ReplicaScript {
	#replica: SimReplica;
	readonly #clients = new Map<string, Client>();
	#out: string[] = [];
	#isHeld = false;
	#logFrom = 0;
	readonly #verbs: Readonly<Record<string, Verb>>;

	constructor() {
		this.#replica = this.#newReplica({}, undefined, undefined);
		this.#verbs = this.#makeVerbs();
	}

	/** Runs a block's input; what it printed. */
	run(input: readonly string[]): readonly string[] {
		this.#out = [];
		const lines = [...input];
		for (let text = lines.shift(); text !== undefined; text = lines.shift()) {
			const line = parseLine(text);
			const verb = this.#verbs[line.verb];
			if (verb === undefined) throw new Error(`no verb "${line.verb}" in: ${text}`);
			const rest: string[] = [];
			while (lines[0]?.startsWith('  ')) rest.push(lines.shift()!.trim());
			verb(line, rest);
			if (!this.#isHeld) this.#replica.settle();
		}
		return this.#out;
	}

	#newReplica(
		{ readOnly = false, ...options }: Partial<ChainOptions> & { readonly readOnly?: boolean },
		lastZxid: Zxid | undefined,
		epoch: number | undefined,
	): SimReplica {
		const replica = new SimReplica({
			isMember: readOnly,
			options: { tickMs: 500, minSessionTimeoutMs: 1000, maxSessionTimeoutMs: 10_000, ...options },
			...(lastZxid === undefined ? {} : { lastZxid }),
			...(epoch === undefined ? {} : { epoch }),
			events: {
				sessionClosed: (id) => this.#out.push(`server: session ${this.#nameOf(id)} closed`),
				stateChanged: (state, reason) => this.#out.push(`server: ${state}: ${reason.message}`),
				requestFailed: (error) => this.#out.push(`server: request failed: ${String(error)}`),
			},
		});
		if (readOnly) replica.host.serveReadOnly();
		return replica;
	}

	#makeVerbs(): Readonly<Record<string, Verb>> {
		return {
			...this.#serverVerbs(),
			...this.#connectionVerbs(),
			...this.#writeVerbs(),
			...this.#readVerbs(),
			...this.#watchVerbs(),
		};
	}

	#serverVerbs(): Record<string, Verb> {
		return {
			replica: ({ keys }) => {
				this.#logFrom = 0;
				const options: Record<string, unknown> = {};
				for (const [key, value] of keys) {
					if (key === 'superDigest') options[key] = value;
					else if (key !== 'lastZxid' && key !== 'epoch') options[key] = JSON.parse(value);
				}
				const lastZxid = keys.get('lastZxid');
				const epoch = keys.get('epoch');
				this.#replica = this.#newReplica(
					options as Partial<ChainOptions>,
					lastZxid === undefined ? undefined : parseZxid(lastZxid),
					epoch === undefined ? undefined : Number(epoch),
				);
			},
			hold: () => {
				this.#isHeld = true;
			},
			release: () => {
				this.#isHeld = false;
			},
			/** Runs the turns; nothing becomes durable. */
			turn: () => this.#replica.run(),
			/** Makes the next records durable. */
			fsync: ({ words }) => {
				this.#replica.run();
				this.#replica.log.sync(words[0] === undefined ? undefined : Number(words[0]));
			},
			advance: ({ words }) => this.#replica.advance(Number(words[0]), !this.#isHeld),
			crash: ({ keys }) => {
				this.#replica.crash(Number(keys.get('kept') ?? 0));
				this.#out.push(`server: recovered to ${formatZxid(this.#replica.host.lastProcessedZxid)}`);
			},
			'fail-log': () => this.#replica.log.fail(new Error('no space left on device')),
			status: () => {
				const { host } = this.#replica;
				this.#out.push(
					`${host.state} lastProcessedZxid=${formatZxid(host.lastProcessedZxid)} outstanding=${host.outstanding}`,
				);
			},
			/** The records since the last `log`. */
			log: () => {
				const records = this.#replica.disk.read();
				let before = records[this.#logFrom - 1]?.digest?.value ?? new DataTree().digest();
				for (const record of records.slice(this.#logFrom)) {
					this.#out.push(formatRecord(record, this.#nameOf(record.header.sessionId), this.#startMs, before));
					before = record.digest?.value ?? before;
				}
				this.#logFrom = records.length;
			},
			/** What the tree has, as stored. */
			stored: ({ words }) => {
				const node = this.#replica.host.tree.node(words[0]!);
				if (node === undefined) {
					this.#out.push('no node');
					return;
				}
				const { stat, acl } = node;
				this.#out.push(
					`cversion=${stat.cversion} pzxid=${formatZxid(stat.pzxid)} owner=${this.#owner(stat.ephemeralOwner)} acl=${formatAcl(acl)}`,
				);
			},
			/** Gives a node a long past. The replica starts again: watches and what clients authenticated are gone. */
			age: ({ words, keys }) => this.#age(words[0]!, keys),
			'delete-container': ({ words, keys }) => {
				const door = (keys.get('door') ?? 'system') as Caller['door'];
				this.#request('server', { door, identities: [], address: '' }, noSession, 0, {
					kind: 'deleteContainer',
					path: words[0]!,
				});
			},
		};
	}

	#connectionVerbs(): Record<string, Verb> {
		return {
			/** A client without a session. */
			client: ({ words, keys }) => {
				const client = this.#client(words[0]!);
				const address = keys.get('ip');
				if (address === undefined) return;
				this.#setIdentities(client, [{ scheme: 'ip', id: address }]);
				client.caller = { ...client.caller, address };
			},
			connect: ({ words, keys }) => {
				const client = this.#client(words[0]!);
				const timeoutMs = Number(keys.get('timeout') ?? 5000);
				this.#send(client, { kind: 'createSession', timeoutMs }, (reply) => {
					if (reply.result?.kind !== 'createSession') return;
					client.sessionId = reply.result.sessionId;
					client.password = reply.result.password;
				});
			},
			reconnect: ({ words, keys }) => {
				const client = this.#client(words[0]!);
				const { host } = this.#replica;
				const password = keys.get('password') === 'wrong' ? new Uint8Array(16) : client.password;
				const seen = parseZxid(keys.get('seen') ?? '0');
				if (!host.maySee(seen)) {
					this.#out.push(`${client.name}< ahead`);
					return;
				}
				host.attach(client.sessionId, password, Number(keys.get('timeout') ?? 5000), (answer) => {
					const granted = answer.kind === 'attached' ? ` timeout=${answer.timeoutMs}` : '';
					this.#out.push(`${client.name}< ${answer.kind}${granted}`);
					if (answer.kind === 'attached') this.#newConnection(client);
				});
			},
			/** The connection goes, the session stays. */
			drop: ({ words }) => this.#replica.host.disconnect(this.#client(words[0]!).caller.watcher!),
			auth: ({ client: name, words }) => {
				const client = this.#client(name);
				const auth = new TextEncoder().encode(words[1] ?? '');
				this.#send(client, { kind: 'auth', scheme: words[0]!, auth }, (reply) => {
					if (reply.result?.kind !== 'auth') return;
					this.#setIdentities(client, [...client.identities, ...reply.result.identities]);
				});
			},
			close: ({ client }) => this.#send(this.#client(client), { kind: 'closeSession' }),
			ping: ({ client }) => this.#send(this.#client(client), { kind: 'ping' }),
			whoami: ({ client }) => this.#send(this.#client(client), { kind: 'whoAmI' }),
		};
	}

	#writeVerbs(): Record<string, Verb> {
		const verbs: Record<string, Verb> = {};
		for (const verb of ['create', 'delete', 'set', 'setacl', 'check', 'reconfig', 'unparsable', 'unknown']) {
			verbs[verb] = (line) => this.#send(this.#client(line.client), parseOp(line));
		}
		verbs.multi = ({ client }, rest) => {
			const ops = rest.map((text) => parseOp(parseLine(text)) as MultiOp['ops'][number]);
			this.#send(this.#client(client), { kind: 'multi', ops });
		};
		return verbs;
	}

	#readVerbs(): Record<string, Verb> {
		const verbs: Record<string, Verb> = {};
		for (const verb of ['get', 'exists', 'ls', 'getacl', 'ephemerals', 'count', 'sync']) {
			verbs[verb] = (line) => this.#send(this.#client(line.client), parseOp(line));
		}
		verbs.multiread = ({ client }, rest) => {
			const ops = rest.map((text) => parseOp(parseLine(text)) as never);
			this.#send(this.#client(client), { kind: 'multiRead', ops });
		};
		return verbs;
	}

	#watchVerbs(): Record<string, Verb> {
		const verbs: Record<string, Verb> = {};
		for (const verb of ['add-watch', 'remove-watches', 'check-watches', 'set-watches']) {
			verbs[verb] = (line) => this.#send(this.#client(line.client), parseOp(line));
		}
		return verbs;
	}

	#age(path: string, keys: ReadonlyMap<string, string>): void {
		const { tree } = this.#replica.host;
		const data = tree.data(path) ?? null;
		const version = keys.get('version');
		if (version !== undefined) this.#replica.inject({ kind: 'setData', path, data, version: Number(version) });
		const cversion = keys.get('cversion');
		if (cversion === undefined) return;
		const child = `${path === '/' ? '' : path}/aged`;
		const common = { data: null, acl: open, ephemeral: false, parentCversion: Number(cversion) } as const;
		this.#replica.inject({ kind: 'create', path: child, ...common });
	}

	#send(client: Client, op: Op, then: (reply: Reply) => void = () => {}): void {
		client.cxid += 1;
		this.#request(client.name, client.caller, client.sessionId, client.cxid, op, then);
	}

	#request(
		name: string,
		caller: Caller,
		sessionId: SessionId,
		cxid: number,
		op: Op,
		then: (reply: Reply) => void = () => {},
	): void {
		this.#replica.host.submit({
			sessionId,
			cxid,
			op,
			caller,
			reply: (reply) => {
				then(reply);
				const { error, zxid, result } = reply;
				const text = result === undefined ? '' : ` ${formatResult(result, this.#startMs)}`;
				this.#out.push(`${name}< ${op.kind} ${errorName(error)} zxid=${formatZxid(zxid)}${text.trimEnd()}`);
			},
		});
	}

	#client(name: string): Client {
		const known = this.#clients.get(name);
		if (known !== undefined) return known;
		const client: Client = {
			name,
			sessionId: noSession,
			password: new Uint8Array(16),
			identities: [],
			caller: { door: 'zookeeper', identities: [], address: '' },
			cxid: 0,
		};
		this.#clients.set(name, client);
		this.#newConnection(client);
		return client;
	}

	#newConnection(client: Client): void {
		client.identities = [];
		const out = (text: string): void => {
			this.#out.push(`${client.name}! ${text}`);
		};
		const watcher: Watcher = {
			get sessionId() {
				return client.sessionId;
			},
			get identities() {
				return client.identities;
			},
			process: (event) => out(formatEvent(event)),
		};
		client.caller = { door: 'zookeeper', identities: [], address: '', watcher };
	}

	#setIdentities(client: Client, identities: readonly Id[]): void {
		client.identities = identities;
		client.caller = { ...client.caller, identities };
	}

	get #startMs(): number {
		return this.#replica.clock.now() - this.#replica.clock.monotonicMs();
	}

	#nameOf(id: SessionId): string {
		if (id === noSession) return 'nobody';
		for (const client of this.#clients.values()) if (client.sessionId === id) return client.name;
		return 'someone';
	}

	#owner(owner: bigint): string {
		if (owner === 0n) return '0';
		const name = this.#nameOf(owner as SessionId);
		return name === 'someone' ? `0x${owner.toString(16)}` : name;
	}
}

function parseLine(text: string): Line {
	const words = text.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
	const client = words[0]?.endsWith(':') ? words.shift()!.slice(0, -1) : 'client';
	const [verb = '', ...args] = words;
	const keys = new Map<string, string>();
	const plain: string[] = [];
	for (const arg of args) {
		const key = /^([a-z][A-Za-z]*)=(.*)$/.exec(arg);
		if (key === null) plain.push(unquote(arg));
		else keys.set(key[1]!, unquote(key[2]!));
	}
	return { client, verb, words: plain, keys };
}

/** `"a\u0000b"` as in JSON; anything else as it is. */
function unquote(text: string): string {
	return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}

function dataOf(text: string | undefined): Uint8Array | null {
	return text === undefined || text === 'null' ? null : new TextEncoder().encode(text);
}

function parseOp({ verb, words, keys }: Line): Op {
	const path = words[0] ?? '';
	const version = Number(keys.get('version') ?? -1);
	const watch = words.includes('watch');
	const list = (key: string): string[] => keys.get(key)?.split(',') ?? [];
	switch (verb) {
		case 'create': {
			const ttl = keys.get('ttl');
			const acl = keys.get('acl');
			return {
				kind: 'create',
				path,
				data: dataOf(keys.get('data')),
				acl: acl === undefined ? open : parseAcl(acl),
				mode: (words[1] ?? 'persistent') as CreateMode,
				...(ttl === undefined ? {} : { ttlMs: Number(ttl) }),
				withStat: keys.get('stat') === 'yes',
			};
		}
		case 'delete':
			return { kind: 'delete', path, version };
		case 'set':
			return { kind: 'setData', path, data: dataOf(words[1]), version };
		case 'setacl':
			return { kind: 'setACL', path, acl: parseAcl(words[1] ?? 'none'), version };
		case 'check':
			return { kind: 'check', path, version };
		case 'reconfig':
			return {
				kind: 'reconfig',
				joiningServers: null,
				leavingServers: null,
				newMembers: 'server.1=a:1:2',
				configId: 0n,
			};
		case 'unparsable':
			return { kind: 'unparsable' };
		case 'unknown':
			return { kind: 'unknown', code: Number(path) };
		case 'get':
			return { kind: 'getData', path, watch };
		case 'exists':
			return { kind: 'exists', path, watch };
		case 'ls':
			return { kind: 'getChildren', path, watch };
		case 'getacl':
			return { kind: 'getACL', path };
		case 'ephemerals':
			return { kind: 'getEphemerals', prefix: path };
		case 'count':
			return { kind: 'getAllChildrenNumber', path };
		case 'sync':
			return { kind: 'sync', path };
		case 'add-watch':
			return { kind: 'addWatch', path, mode: words[1] as WatchMode };
		case 'remove-watches':
			return { kind: 'removeWatches', path, type: words[1] as WatcherType };
		case 'check-watches':
			return { kind: 'checkWatches', path, type: words[1] as WatcherType };
		case 'set-watches':
			return {
				kind: 'setWatches',
				relativeZxid: parseZxid(keys.get('seen') ?? '0'),
				data: list('data'),
				exist: list('exist'),
				child: list('child'),
				persistent: list('persistent'),
				persistentRecursive: list('recursive'),
			};
		default:
			throw new Error(`no operation "${verb}"`);
	}
}
