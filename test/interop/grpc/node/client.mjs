/** What a program in plain JavaScript does with the gRPC API: grpc-js, proto-loader, and the .proto files as they are. 64-bit numbers are strings. */
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition, Metadata, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const definition = loadSync(
	['znode', 'session', 'watch', 'history', 'admin', 'restore', 'common']
		.map((name) => `chronokeeper/v1/${name}.proto`)
		.concat('google/rpc/status.proto', 'google/rpc/error_details.proto'),
	{
		includeDirs: [fileURLToPath(new URL('../../../../proto', import.meta.url))],
		longs: String,
		enums: String,
		defaults: true,
		arrays: true,
		oneofs: true,
	},
);
const { v1 } = loadPackageDefinition(definition).chronokeeper;
const serviceNames = [
	'ZnodeService',
	'SessionService',
	'WatchService',
	'HistoryService',
	'AdminService',
	'RestoreService',
];

/** `/chronokeeper.v1.ZnodeService/Get`. */
export const allMethods = serviceNames.flatMap((name) => Object.values(v1[name].service).map(({ path }) => path));
/** All that can be asked for on a stream. */
export const allOperations = definition['chronokeeper.v1.Operation'].type.field
	.filter(({ type }) => type === 'TYPE_MESSAGE')
	.map(({ name }) => name);
/** Those that were called so far. */
export const called = new Set();

const patienceMs = 30_000;

/** One client for each service. */
export class Replica {
	#clients = [];

	constructor(address) {
		for (const name of serviceNames) {
			const client = new v1[name](address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
			this.#clients.push(client);
			this[name.replace('Service', '').toLowerCase()] = client;
		}
	}

	close() {
		for (const client of this.#clients) client.close();
	}
}

/** A failed call, with what grpc-status-details-bin has. */
export class Failure extends Error {
	constructor(error) {
		super(error.details);
		this.code = status[error.code];
		const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? [];
		if (bytes === undefined) return;
		for (const { type_url: url, value } of definition['google.rpc.Status'].deserialize(bytes).details) {
			const name = url.slice(url.lastIndexOf('/') + 1);
			this[name.slice(name.lastIndexOf('.') + 1)] = definition[name].deserialize(value);
		}
	}
}

/** `call(replica.znode, 'get', { path }, inside(session))`. @throws Failure */
export function call(client, method, request = {}, metadata = new Metadata()) {
	called.add(client[method].path);
	return new Promise((resolve, reject) => {
		client[method](request, metadata, { deadline: Date.now() + patienceMs }, (error, response) => {
			if (error === null) resolve(response);
			else reject(new Failure(error));
		});
	});
}

/** The messages of a stream. @throws Failure */
export async function* stream(client, method, request = {}, metadata = new Metadata()) {
	called.add(client[method].path);
	const messages = client[method](request, metadata, { deadline: Date.now() + patienceMs });
	try {
		for await (const message of messages) yield message;
	} catch (error) {
		throw new Failure(error);
	} finally {
		messages.on('error', () => undefined);
		messages.cancel();
	}
}

/** Of a stream that ends. */
export async function all(...args) {
	const messages = [];
	for await (const message of stream(...args)) messages.push(message);
	return messages;
}

export function metadata(entries) {
	const made = new Metadata();
	for (const [key, value] of Object.entries(entries)) made.set(key, value);
	return made;
}

/** What a call has in its metadata to be made inside a session. */
export function inside({ sessionId, password }) {
	return metadata({ 'ck-session-id': sessionId, 'ck-session-password-bin': password });
}

export function basic(userAndPassword) {
	return metadata({ authorization: `Basic ${Buffer.from(userAndPassword).toString('base64')}` });
}

/** The stream of Operate. */
export class Operating {
	#call;
	#items = [];
	#waiting = [];
	#end;
	#lastId = 0;

	/** @param begin `{ open: {} }` or `{ attach: {} }` */
	constructor(client, begin, ...operations) {
		called.add(client.operate.path);
		this.#call = client.operate({ deadline: Date.now() + patienceMs });
		this.#call.on('data', ({ items }) => this.#arrived(items));
		this.#call.on('end', () => this.#ended(null));
		this.#call.on('error', (error) => this.#ended(new Failure(error)));
		this.send(operations, begin);
	}

	/** One message. @returns the ids of its operations */
	send(operations, begin = {}) {
		const numbered = operations.map((operation) => ({ id: ++this.#lastId, ...operation }));
		this.#call.write({ ...begin, operations: numbered });
		return numbered.map(({ id }) => id);
	}

	/** The next reply, event or word about the session; null at the end. @throws Failure */
	async item() {
		while (this.#items.length === 0) {
			if (this.#end !== undefined) {
				if (this.#end === null) return null;
				throw this.#end;
			}
			await new Promise((resolve) => {
				this.#waiting.push(resolve);
			});
		}
		return this.#items.shift();
	}

	async items(count) {
		const found = [];
		while (found.length < count) found.push(await this.item());
		return found;
	}

	/** Ends the own side. */
	end() {
		this.#call.end();
	}

	/** As when the program dies. */
	drop() {
		this.#call.cancel();
	}

	#arrived(items) {
		this.#items.push(...items);
		this.#wake();
	}

	#ended(how) {
		this.#end ??= how;
		this.#wake();
	}

	#wake() {
		for (const resolve of this.#waiting.splice(0)) resolve();
	}
}
