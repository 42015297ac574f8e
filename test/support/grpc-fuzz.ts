/** What a gRPC server should survive: bytes as any message of any method, bytes on the socket. The seed decides them. */

import { once } from 'node:events';
import { connect } from 'node:net';
import {
	type ChannelCredentials,
	Client,
	Metadata,
	type MethodDefinition,
	type ServiceDefinition,
	type status,
} from '@grpc/grpc-js';

/** A small generator of numbers that are good enough here. */
export class Dice {
	#state: number;

	constructor(seed: number) {
		this.#state = seed >>> 0 || 1;
	}

	/** 0 to limit - 1. */
	below(limit: number): number {
		this.#state ^= this.#state << 13;
		this.#state ^= this.#state >>> 17;
		this.#state ^= this.#state << 5;
		return (this.#state >>> 0) % limit;
	}

	one<T>(of: readonly T[]): T {
		return of[this.below(of.length)]!;
	}

	bytes(length: number): Buffer {
		return Buffer.from(Array.from({ length }, () => this.below(256)));
	}
}

/** One byte, some bytes, a length or the end of a message is not what it was. */
export function mutated(dice: Dice, message: Uint8Array): Buffer {
	let bytes = Buffer.from(message);
	for (let change = 1 + dice.below(4); change > 0; change--) {
		const at = dice.below(bytes.length + 1);
		const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
		switch (dice.below(6)) {
			case 0:
				bytes = Buffer.concat([head, dice.bytes(1 + dice.below(8)), tail]);
				break;
			case 1:
				bytes = Buffer.from(head);
				break;
			case 2:
				bytes = Buffer.concat([head, tail.subarray(1 + dice.below(4))]);
				break;
			case 3:
				bytes = Buffer.concat([head, tail, tail]);
				break;
			case 4:
				// A length of up to 2^63.
				bytes = Buffer.concat([head, Buffer.alloc(1 + dice.below(9), 0xff), Buffer.from([0x7f]), tail]);
				break;
			default:
				if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << dice.below(8));
		}
	}
	return bytes;
}

/** Of any messages: they are bytes here. */
type Method = Pick<MethodDefinition<unknown, unknown>, 'path' | 'requestStream' | 'responseStream'>;

/** Calls methods with bytes. */
export class BytesClient {
	readonly #client: Client;

	constructor(address: string, channel: ChannelCredentials) {
		this.#client = new Client(address, channel, { 'grpc.use_local_subchannel_pool': 1 });
	}

	/**
	 * Sends the messages and gives the status the call ended with. A stream of responses is left after `leaveMs`: CANCELLED then.
	 */
	call(method: Method, messages: readonly Buffer[], leaveMs: number): Promise<{ code: status; details: string }> {
		const identity = (bytes: Buffer) => bytes;
		const options = { deadline: Date.now() + 20_000 };
		return new Promise((resolve) => {
			const stream = this.#client.makeBidiStreamRequest(method.path, identity, identity, new Metadata(), options);
			stream.on('data', () => undefined);
			stream.on('error', () => undefined);
			stream.on('status', resolve);
			for (const message of messages) stream.write(message);
			stream.end();
			if (method.responseStream) setTimeout(() => stream.cancel(), leaveMs);
		});
	}

	close(): void {
		this.#client.close();
	}
}

export function methodsOf(services: readonly ServiceDefinition[]): Method[] {
	return services.flatMap((service) => Object.values(service));
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

/** Bytes that are no HTTP/2, or nearly; the connection may be closed by either side. */
export async function assail(port: number, dice: Dice): Promise<void> {
	const socket = connect(port, '127.0.0.1');
	socket.on('error', () => undefined);
	await once(socket, 'connect').catch(() => undefined);
	const begins = dice.below(3) > 0 ? [preface, emptySettings] : [];
	const frames = Array.from({ length: 1 + dice.below(6) }, () => frame(dice));
	const bytes = Buffer.concat([...begins, ...frames]);
	await new Promise<void>((resolve) => {
		socket.once('close', () => resolve());
		socket.write(bytes, () => {
			if (dice.below(2) === 0) socket.destroy();
			else socket.end();
		});
		setTimeout(() => socket.destroy(), 200);
		socket.resume();
	});
}

/** With a type and a stream that there may be, and a length that need not be right. */
function frame(dice: Dice): Buffer {
	const body = dice.bytes(dice.below(200));
	const head = Buffer.alloc(9);
	head.writeUIntBE(dice.below(4) === 0 ? dice.below(1 << 24) : body.length, 0, 3);
	head[3] = dice.below(11);
	head[4] = dice.below(256);
	head.writeUInt32BE(dice.below(6), 5);
	return Buffer.concat([head, body]);
}
