/**
 * Many clients pipeline writes, reads and watches over real sockets, in bursts that are cut anywhere, and each one's log is checked afterwards.
 * ORDER_SEEDS=50 tries more seeds.
 */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import type { ClientRequest } from '#jute/client/requests';
import { opCode } from '#jute/op-codes';
import { type Asked, type ClientLog, checkOrder } from '#test/support/order-checker';
import { freePort } from '#test/support/processes';
import { seeded } from '#test/support/random-writes';
import { TestServers } from '#test/support/test-servers';
import { requestBody, requestFrame, WireClient, type WireReply } from '#test/support/wire-client';

const seeds = Array.from({ length: Number(process.env.ORDER_SEEDS ?? 2) }, (_, i) => i + 1);
const clientCount = 24;
const bursts = 25;
const nodes = ['/o/0', '/o/1', '/o/2', '/o/3', '/o/4'];
const names = ['a', 'b', 'c'];

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

class RandomClient implements ClientLog {
	readonly asked = new Map<number, Asked>();
	readonly name: string;
	readonly hearsAll: boolean;
	readonly #client: WireClient;
	readonly #random: () => number;
	#values = 0;

	constructor(client: WireClient, name: string, random: () => number, hearsAll: boolean) {
		this.#client = client;
		this.name = name;
		this.#random = random;
		this.hearsAll = hearsAll;
	}

	/** Without what set the stage. */
	get log(): ClientLog['log'] {
		return this.#client.log.filter((one) => one.kind !== 'reply' || this.asked.has(one.xid));
	}

	/** A burst of requests, its bytes in a few pieces; waits for some of its answers, or for none. */
	async burst(): Promise<void> {
		const frames: Uint8Array[] = [];
		const answers: Promise<WireReply>[] = [];
		for (let left = 1 + this.#below(30); left > 0; left--) {
			const [request, asked] = this.#next();
			const type = opCode[request.kind];
			const xid = this.#client.xidFor(type);
			this.asked.set(xid, asked);
			frames.push(requestFrame(type, requestBody(request), xid));
			answers.push(this.#client.expectReply(xid, type));
		}
		const bytes = Buffer.concat(frames);
		const cuts = Array.from({ length: this.#below(4) }, () => this.#below(bytes.length)).sort((a, b) => a - b);
		for (const [i, from] of [0, ...cuts].entries()) {
			this.#client.writeRaw(bytes.subarray(from, cuts[i] ?? bytes.length));
			await new Promise((resolve) => setImmediate(resolve));
		}
		const dice = this.#random();
		if (dice < 0.3) await Promise.all(answers);
		else if (dice < 0.6) await this.#pick(answers);
	}

	/** All of it is answered, and nothing that happened before can be under way any more. */
	async finish(): Promise<void> {
		await this.#client.until(() => this.#client.outstanding === 0);
	}

	async look(): Promise<void> {
		const xid = this.#client.xidFor(opCode.getData);
		const path = nodes[0]!;
		this.asked.set(xid, { kind: 'get', path, watch: false });
		await this.#client.send({ kind: 'getData', path, watch: false }, xid);
	}

	#next(): [ClientRequest, Asked] {
		const path = this.#pick(nodes);
		const name = this.#pick(names);
		const watch = !this.hearsAll && this.#random() < 0.7;
		const dice = this.#random();
		if (dice < 0.2) return this.#set(path);
		if (dice < 0.27) return this.#setTwo();
		if (dice < 0.37) {
			const request = { kind: 'create', path: `${path}/${name}`, data: null, acl: openAcl, flags: 0 } as const;
			return [request, { kind: 'create', parent: path, name }];
		}
		if (dice < 0.47) {
			return [
				{ kind: 'delete', path: `${path}/${name}`, version: -1 },
				{ kind: 'delete', parent: path, name },
			];
		}
		if (dice < 0.72)
			return [
				{ kind: 'getData', path, watch },
				{ kind: 'get', path, watch },
			];
		if (dice < 0.97)
			return [
				{ kind: 'getChildren', path, watch },
				{ kind: 'list', path, watch },
			];
		return [{ kind: 'ping' }, { kind: 'ping' }];
	}

	#set(path: string): [ClientRequest, Asked] {
		const value = this.#value();
		const request = { kind: 'setData', path, data: Buffer.from(value), version: -1 } as const;
		return [request, { kind: 'set', writes: [{ path, value }] }];
	}

	#setTwo(): [ClientRequest, Asked] {
		const at = this.#below(nodes.length);
		const both = [nodes[at]!, nodes[(at + 1) % nodes.length]!];
		const writes = both.map((path) => ({ path, value: this.#value() }));
		const ops = writes.map(({ path, value }) => ({
			kind: 'setData' as const,
			path,
			data: Buffer.from(value),
			version: -1,
		}));
		return [
			{ kind: 'multi', ops },
			{ kind: 'set', writes },
		];
	}

	#value(): string {
		this.#values += 1;
		return `${this.name}:${this.#values}`;
	}

	#below(limit: number): number {
		return Math.floor(this.#random() * limit);
	}

	#pick<T>(list: readonly T[]): T {
		return list[this.#below(list.length)]!;
	}
}

describe('the order in which clients hear', () => {
	it.each(seeds)(
		'10, 46: answers in the order of requests, events ahead of what shows their change (seed %i)',
		async (seed) => {
			const port = await freePort();
			const options = {
				clientPort: port,
				clientPortAddress: '127.0.0.1',
				maxClientCnxns: 0,
				globalOutstandingLimit: 200,
			};
			await servers.start(servers.newDirectory(), options);
			const setUp = await WireClient.connect(port);
			for (const path of ['/o', ...nodes]) {
				await setUp.send({ kind: 'create', path, data: null, acl: openAcl, flags: 0 });
			}
			const random = seeded(seed);
			const wires = await Promise.all(Array.from({ length: clientCount }, () => WireClient.connect(port)));
			const clients: RandomClient[] = [];
			for (const [i, wire] of wires.entries()) {
				const hearsAll = i % 4 === 0;
				if (hearsAll) expect(await wire.send({ kind: 'addWatch', path: '/o', mode: 1 })).toMatchObject({ error: 0 });
				clients.push(new RandomClient(wire, `client ${i}`, seeded(Math.floor(random() * 2 ** 31)), hearsAll));
			}
			await Promise.all(
				clients.map(async (client) => {
					for (let i = 0; i < bursts; i++) await client.burst();
				}),
			);
			await Promise.all(clients.map((client) => client.finish()));
			// By now every change is applied: whoever looks must have heard of all of them.
			await Promise.all(clients.map((client) => client.look()));
			const { problems, events } = checkOrder(clients);
			expect(problems.slice(0, 10)).toEqual([]);
			expect(events).toBeGreaterThan(clientCount * 20);
			for (const wire of [setUp, ...wires]) await wire.close();
		},
	);

	it('finds an event that comes too late, one that never came, an answer out of order and a state that never was', async () => {
		const port = await freePort();
		await servers.start(servers.newDirectory(), { clientPort: port, clientPortAddress: '127.0.0.1' });
		const wire = await WireClient.connect(port);
		for (const path of ['/o', '/o/0']) await wire.send({ kind: 'create', path, data: null, acl: openAcl, flags: 0 });
		wire.log.length = 0;
		await wire.send({ kind: 'getData', path: '/o/0', watch: true });
		await wire.send({ kind: 'setData', path: '/o/0', data: Buffer.from('x'), version: -1 });
		await wire.send({ kind: 'getData', path: '/o/0', watch: false });
		const asked = new Map<number, Asked>([
			[3, { kind: 'get', path: '/o/0', watch: true }],
			[4, { kind: 'set', writes: [{ path: '/o/0', value: 'x' }] }],
			[5, { kind: 'get', path: '/o/0', watch: false }],
		]);
		const [read, event, set, again] = wire.log as [
			ClientLog['log'][0],
			ClientLog['log'][0],
			ClientLog['log'][0],
			WireReply,
		];
		const problemsOf = (...log: ClientLog['log']): string[] =>
			checkOrder([{ name: 'one', log, asked, hearsAll: false }]).problems;
		expect(problemsOf(read, event, set, again)).toEqual([]);
		expect(problemsOf(read, set, event, again).join()).toMatch(/no event of the watch/);
		expect(problemsOf(read, set, again).join()).toMatch(/no event of the watch/);
		expect(problemsOf(read, event, event, set, again).join()).toMatch(/without a watch/);
		expect(problemsOf(read, event, again, set).join()).toMatch(/in their order/);
		const response = { kind: 'getData', data: Buffer.from('y'), stat: {} as never } as const;
		expect(problemsOf(read, event, set, { ...again, response }).join()).toMatch(/is "y" at/);
		await wire.close();
	});
});
