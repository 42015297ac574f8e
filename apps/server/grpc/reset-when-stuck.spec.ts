import { once } from 'node:events';
import {
	Client,
	credentials,
	Server,
	ServerCredentials,
	type ServerWritableStream,
	type ServiceDefinition,
} from '@grpc/grpc-js';
import { afterEach, expect, it } from 'vitest';
import { resetWhenStuck } from './reset-when-stuck.ts';

const identity = (bytes: Buffer) => bytes;
const path = '/test.Stream/open';
const service: ServiceDefinition = {
	open: {
		path,
		requestStream: false,
		responseStream: true,
		requestSerialize: identity,
		requestDeserialize: identity,
		responseSerialize: identity,
		responseDeserialize: identity,
	},
};

const closing: (() => void)[] = [];
afterEach(() => {
	for (const close of closing.splice(0)) close();
});

/** A stream whose client reads nothing: the server's side of it, and the client's. */
async function stuckStream() {
	const server = new Server();
	const opened = new Promise<ServerWritableStream<Buffer, Buffer>>((resolve) => {
		server.addService(service, { open: resolve });
	});
	const port = await new Promise<number>((resolve, reject) => {
		server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
			error === null ? resolve(bound) : reject(error),
		);
	});
	const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
	closing.push(
		() => client.close(),
		() => server.forceShutdown(),
	);
	const reading = client.makeServerStreamRequest(path, identity, identity, Buffer.alloc(0));
	reading.on('error', () => undefined);
	const call = await opened;
	for (let i = 0; i < 32; i++) call.write(Buffer.alloc(1 << 20));
	call.end();
	return { call, reading };
}

it('what a client does not read is given up after a while', async () => {
	const { call } = await stuckStream();
	const cancelled = once(call, 'cancelled');
	resetWhenStuck(call, 50);
	await cancelled;
	expect([call.cancelled, call.writableFinished]).toEqual([true, false]);
});

it('a client that reads in time gets all of it, and no timer is left', async () => {
	const { call, reading } = await stuckStream();
	resetWhenStuck(call, 60_000);
	let bytes = 0;
	reading.on('data', (message: Buffer) => {
		bytes += message.length;
	});
	await once(reading, 'end');
	expect([bytes, call.writableFinished]).toEqual([32 << 20, true]);
	// Over already: nothing to wait for.
	resetWhenStuck(call, 0);
	expect(call.listenerCount('cancelled')).toBeLessThanOrEqual(1);
});
