/** A well-behaved client that writes and reads a node of its own and checks every answer against what it knows. */
import assert from 'node:assert/strict';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import { WireClient } from './wire-client.ts';

export class CheckingClient {
	answers = 0;
	slowestMs = 0;
	readonly client: WireClient;
	readonly #path: string;
	#version = 0;
	#children = 0;

	private constructor(client: WireClient, path: string) {
		this.client = client;
		this.#path = path;
	}

	/** `/good` is there already. */
	static async connect(port: number, name: string): Promise<CheckingClient> {
		const client = await WireClient.connect(port);
		const path = `/good/${name}`;
		await client.send({ kind: 'create', path, data: null, acl: openAcl, flags: 0 });
		return new CheckingClient(client, path);
	}

	/** @throws when an answer is not what it must be */
	async round(): Promise<void> {
		const startMs = performance.now();
		const path = this.#path;
		const data = Buffer.from(`${path} ${this.#version}`);
		const [set, got, created, listed, refused] = await Promise.all([
			this.client.send({ kind: 'setData', path, data, version: this.#version }),
			this.client.send({ kind: 'getData', path, watch: true }),
			this.client.send({ kind: 'create2', path: `${path}/s-`, data, acl: openAcl, flags: 2 }),
			this.client.send({ kind: 'getChildren', path, watch: false }),
			this.client.send({ kind: 'setData', path, data, version: this.#version }),
		]);
		this.#version += 1;
		const name = `s-${String(this.#children).padStart(10, '0')}`;
		this.#children += 1;
		assert.deepEqual([set.error, got.error, created.error, listed.error], [0, 0, 0, 0]);
		assert.equal(refused.error, errors.badVersion.code);
		assert(set.response?.kind === 'setData' && set.response.stat.version === this.#version);
		assert(got.response?.kind === 'getData' && got.response.stat.version === this.#version);
		assert.deepEqual(Buffer.from(got.response.data ?? []), data);
		assert(created.response?.kind === 'create2' && created.response.path === `${path}/${name}`);
		assert(listed.response?.kind === 'getChildren');
		assert.deepEqual(listed.response.names, [name]);
		const removed = await this.client.send({ kind: 'delete', path: `${path}/${name}`, version: 0 });
		assert.equal(removed.error, 0);
		const xids = this.client.replies.map(({ xid }) => xid);
		assert.deepEqual(
			xids,
			xids.toSorted((a, b) => a - b),
		);
		this.answers += xids.length;
		this.slowestMs = Math.max(this.slowestMs, performance.now() - startMs);
		this.client.log.length = 0;
	}
}
