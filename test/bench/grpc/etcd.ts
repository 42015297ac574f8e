/** etcd as Debian packages it, with its defaults, and nghttp2's h2load that puts: a loader in C, so that what is measured is etcd. Counted are etcd's own revisions, because h2load takes gRPC's failures for success. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { Client, credentials } from '@grpc/grpc-js';
import { freePort, RunningProgram, run } from '../../support/processes.ts';

/** Field numbers of etcd's rpc.proto (PutRequest, RangeRequest, RangeResponse, ResponseHeader). */
const field = { key: 1, value: 2, header: 1, revision: 3 } as const;
const key = new TextEncoder().encode('bench/k000001');
const warmSeconds = 2;

export interface EtcdOutcome {
	readonly rate: number;
	readonly cores: number;
}

export function hasEtcd(): boolean {
	return ['etcd', 'h2load'].every((program) => run('sh', ['-c', `command -v ${program}`]).status === 0);
}

export class Etcd {
	readonly #program: RunningProgram;
	readonly #address: string;
	readonly #folder: string;

	private constructor(program: RunningProgram, address: string, folder: string) {
		this.#program = program;
		this.#address = address;
		this.#folder = folder;
	}

	/** @param parent on the disk that the others write to */
	static async start(parent: string): Promise<Etcd> {
		const folder = mkdtempSync(join(parent, 'etcd-'));
		const [clients, peers] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`);
		const program = new RunningProgram('etcd', [
			...['--name', 'm1', '--data-dir', join(folder, 'data'), '--log-level', 'warn', '--logger', 'zap'],
			...['--listen-client-urls', clients!, '--advertise-client-urls', clients!],
			...['--listen-peer-urls', peers!, '--initial-advertise-peer-urls', peers!],
			...['--initial-cluster', `m1=${peers}`, '--quota-backend-bytes', '8589934592'],
		]);
		const etcd = new Etcd(program, clients!.slice('http://'.length), folder);
		const untilMs = performance.now() + 20_000;
		for (;;) {
			try {
				await etcd.#revision();
				return etcd;
			} catch (error) {
				if (performance.now() < untilMs && program.exitCode === null) continue;
				throw new Error(`etcd does not start:\n${program.output}`, { cause: error });
			}
		}
	}

	/** Puts of one key, so many connections with so many calls in flight each. */
	async puts(
		clients: number,
		depth: number,
		bytes: number,
		seconds: number,
		cpu: (pid: number) => number,
	): Promise<EtcdOutcome> {
		const body = join(this.#folder, 'put');
		const message = new BinaryWriter()
			.tag(field.key, 2)
			.bytes(key)
			.tag(field.value, 2)
			.bytes(Buffer.alloc(bytes, 120))
			.finish();
		const head = Buffer.alloc(5);
		head.writeUInt32BE(message.length, 1);
		writeFileSync(body, Buffer.concat([head, message]));
		const load = new RunningProgram('h2load', [
			...['-c', `${clients}`, '-m', `${depth}`, '-t1', '-D', `${seconds + 1}`, '--warm-up-time', `${warmSeconds}`],
			...['-d', body, '-H', 'content-type: application/grpc', '-H', 'te: trailers'],
			`http://${this.#address}/etcdserverpb.KV/Put`,
		]);
		await new Promise((resolve) => setTimeout(resolve, warmSeconds * 1000));
		const before = { revision: await this.#revision(), cpu: cpu(this.#program.pid), ms: performance.now() };
		await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
		const elapsed = (performance.now() - before.ms) / 1000;
		const outcome = {
			rate: ((await this.#revision()) - before.revision) / elapsed,
			cores: (cpu(this.#program.pid) - before.cpu) / elapsed,
		};
		await load.exited;
		return outcome;
	}

	async stop(): Promise<void> {
		await this.#program.stop('SIGTERM');
		rmSync(this.#folder, { recursive: true, force: true });
	}

	/** It rises by one with each put. */
	#revision(): Promise<number> {
		const client = new Client(this.#address, credentials.createInsecure());
		const request = Buffer.from(new BinaryWriter().tag(field.key, 2).bytes(key).finish());
		const identity = (encoded: Buffer) => encoded;
		return new Promise<number>((resolve, reject) => {
			const deadline = Date.now() + 10_000;
			client.makeUnaryRequest(
				'/etcdserverpb.KV/Range',
				identity,
				identity,
				request,
				{ deadline },
				(error, response) => {
					if (error !== null || response === undefined) reject(error ?? new Error('no response'));
					else resolve(revisionOf(response));
				},
			);
		}).finally(() => client.close());
	}
}

function revisionOf(response: Uint8Array): number {
	const reader = new BinaryReader(response);
	while (reader.pos < reader.len) {
		const [number, type] = reader.tag();
		if (number !== field.header) {
			reader.skip(type);
			continue;
		}
		const header = new BinaryReader(reader.bytes());
		while (header.pos < header.len) {
			const [inner, innerType] = header.tag();
			if (inner === field.revision) return Number(header.int64());
			header.skip(innerType);
		}
	}
	throw new Error('the response has no revision');
}
