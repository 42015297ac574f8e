import { EventEmitter, once } from 'node:events';
import { type Metadata, type ServerWritableStream, status } from '@grpc/grpc-js';
import { GrpcMethod } from '@nestjs/microservices';
import { throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { zeroZxid } from '#core/model/zxid';
import { errors } from '#jute/errors';
import { GrpcDoor, type GrpcDoorOptions } from './grpc-door.ts';
import { ZooKeeperError } from './grpc-error.ts';
import { ResponseStreams } from './response-streams.ts';
import { grpcStatus } from './status-mapping.ts';
import { methodsOf, unaryMethod } from './unary-methods.ts';

describe('the status of an error', () => {
	it.each([
		['noNode', status.NOT_FOUND],
		['nodeExists', status.ALREADY_EXISTS],
		['badVersion', status.FAILED_PRECONDITION],
		['notEmpty', status.FAILED_PRECONDITION],
		['noAuth', status.PERMISSION_DENIED],
		['authFailed', status.UNAUTHENTICATED],
		['badArguments', status.INVALID_ARGUMENT],
		['quotaExceeded', status.RESOURCE_EXHAUSTED],
		['systemError', status.UNAVAILABLE],
	] as const)('%s', (name, expected) => {
		expect(grpcStatus(errors[name].code)).toBe(expected);
	});

	it('is known for each code of the catalogue but success', () => {
		for (const { code, name } of Object.values(errors)) {
			if (code !== 0) expect(grpcStatus(code), name).not.toBe(status.UNKNOWN);
		}
		expect(grpcStatus(-999)).toBe(status.UNKNOWN);
	});
});

describe('an error', () => {
	it('of a multi names the operation', () => {
		const error = new ZooKeeperError({ code: -101, path: '/a', zxid: zeroZxid, op: 2, opCodes: [0, 0, -101] });
		expect(error.getError()).toMatchObject({
			code: status.NOT_FOUND,
			message: 'operation 2 of the multi: /a: the node does not exist',
		});
	});
});

/** What grpc-js has, with a client that takes nothing until it is told to. */
class SlowCall extends EventEmitter {
	readonly written: number[] = [];
	cancelled = false;
	room = 0;

	write(item: number): boolean {
		this.written.push(item);
		this.room -= 1;
		return this.room > 0;
	}

	drain(room: number): void {
		this.room = room;
		this.emit('drain');
	}
}

it('a stream whose handler fails ends with the failure, and the process does not', async () => {
	const door = new GrpcDoor({ services: {}, controllers: [] as readonly object[] } as GrpcDoorOptions);
	const method = door.createStreamCallMethod(() => throwError(() => new Error('a bug')), true);
	const call = new SlowCall();
	const failed = once(call, 'error');
	await method(call as unknown as Parameters<typeof method>[0], () => undefined);
	expect(await failed).toMatchObject([{ message: 'a bug' }]);
});

describe('a unary call', () => {
	class Nodes {
		readonly #zxid = 7n;

		@GrpcMethod('ZnodeService', 'get')
		get({ path }: { readonly path: string }): { path: string; zxid: bigint } {
			if (path === '/no') throw new ZooKeeperError({ code: errors.noNode.code, path, zxid: zeroZxid });
			if (path === '/bug') throw new TypeError('of no concern to callers');
			return { path, zxid: this.#zxid };
		}

		@GrpcMethod('ZnodeService', 'set')
		async set(request: { readonly path: string }): Promise<object> {
			return this.get(request);
		}
	}

	const methods = methodsOf([new Nodes()]);
	async function called(name: string, path: string) {
		const outcome = { error: undefined as unknown, response: undefined as unknown, reported: [] as unknown[] };
		const method = unaryMethod(methods.get(`ZnodeService/${name}`)!, (error) => outcome.reported.push(error));
		const call = { request: { path } } as Parameters<typeof method>[0];
		await method(call, (error, response) => Object.assign(outcome, { error, response }));
		return outcome;
	}

	it('has the answer of the method that is decorated with its name, and its failures with their details', async () => {
		expect([...methods.keys()]).toEqual(['ZnodeService/get', 'ZnodeService/set']);
		for (const name of ['get', 'set']) {
			expect(await called(name, '/a')).toEqual({ error: null, response: { path: '/a', zxid: 7n }, reported: [] });
			const { error, response, reported } = await called(name, '/no');
			expect(error).toMatchObject({ code: status.NOT_FOUND, message: '/no: the node does not exist' });
			expect((error as { metadata: Metadata }).metadata.get('grpc-status-details-bin')).toHaveLength(1);
			expect([response, reported]).toEqual([undefined, []]);
		}
	});

	it('is not told what a bug says, the log is', async () => {
		for (const name of ['get', 'set']) {
			const { error, reported } = await called(name, '/bug');
			expect((error as Error).message).toBe('Internal server error');
			expect(reported).toMatchObject([{ message: 'of no concern to callers' }]);
		}
	});
});

describe('a response stream', () => {
	function streamTo(call: SlowCall) {
		const produced = { items: 0, ended: false };
		async function* source(signal: AbortSignal): AsyncGenerator<number> {
			try {
				while (!signal.aborted) yield produced.items++;
			} finally {
				produced.ended = true;
			}
		}
		const streams = new ResponseStreams();
		const outcome: { error?: unknown; complete?: true } = {};
		const stream = call as unknown as ServerWritableStream<unknown, number>;
		const subscription = streams.respond(stream, source).subscribe({
			error: (error) => {
				outcome.error = error;
			},
			complete: () => {
				outcome.complete = true;
			},
		});
		return { streams, produced, outcome, subscription };
	}

	it('asks its source only for what the client takes', async () => {
		const call = new SlowCall();
		call.room = 3;
		const { produced } = streamTo(call);
		await expect.poll(() => call.written).toEqual([0, 1, 2]);
		expect(produced.items).toBe(3);
		call.drain(2);
		await expect.poll(() => call.written).toEqual([0, 1, 2, 3, 4]);
		expect(produced.items).toBe(5);
	});

	it('ends its source when the client has gone while it waits', async () => {
		const call = new SlowCall();
		const { produced, outcome } = streamTo(call);
		await expect.poll(() => call.written.length).toBe(1);
		call.emit('cancelled');
		await expect.poll(() => produced.ended).toBe(true);
		expect(outcome).toEqual({ complete: true });
		expect(call.listenerCount('cancelled')).toBe(0);
		expect(call.listenerCount('drain')).toBe(0);
	});

	it('is refused while there are too many, and has the place of one that has ended', async () => {
		const streams = new ResponseStreams(1);
		const outcomes: string[] = [];
		const begin = (name: string) => {
			const call = new SlowCall();
			async function* source(signal: AbortSignal): AsyncGenerator<number> {
				while (!signal.aborted) yield 1;
			}
			streams.respond(call as unknown as ServerWritableStream<unknown, number>, source).subscribe({
				error: (error: Error) => outcomes.push(`${name}: ${error.message}`),
				complete: () => outcomes.push(`${name} has ended`),
			});
			return call;
		};
		const first = begin('first');
		begin('second');
		expect(outcomes).toEqual(['second: 1 lists and histories are on their way to clients already']);
		first.emit('cancelled');
		await expect.poll(() => outcomes.at(-1)).toBe('first has ended');
		const third = begin('third');
		await expect.poll(() => third.written.length).toBe(1);
		expect(outcomes).toHaveLength(2);
	});

	it('ends when the server stops, and says so', async () => {
		const call = new SlowCall();
		const { streams, produced, outcome } = streamTo(call);
		await expect.poll(() => call.written.length).toBe(1);
		streams.stop();
		await expect.poll(() => outcome.error).toBeDefined();
		expect(produced.ended).toBe(true);
		expect(String((outcome.error as Error).message)).toContain('the server is stopping');
	});
});
