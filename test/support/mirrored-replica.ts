/** A replica and its mirror in a directory of their own: what is written is in PostgreSQL when the call has returned. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Mirror, type MirrorOptions, startMirror } from '#audit/mirror';
import type { Caller, Op } from '#core/model/op';
import { openAcl } from '#jute/acl';
import type { Acl } from '#jute/records';
import type { Zxid } from '#jute/scalars';
import { anyone, TestReplica } from './replica.ts';

export class MirroredReplica {
	readonly dataDir = join(mkdtempSync(join(tmpdir(), 'ck-mirrored-')), 'data');
	readonly #options: Omit<MirrorOptions, 'dataDir'>;
	#replica: TestReplica | undefined;
	#mirror: Mirror | undefined;

	constructor(options: Omit<MirrorOptions, 'dataDir'>) {
		this.#options = options;
	}

	get zxid(): Zxid {
		return this.#replica!.host.lastProcessedZxid;
	}

	async open(): Promise<void> {
		this.#replica = await TestReplica.open(this.dataDir);
		this.#mirror = startMirror({ ...this.#options, dataDir: this.dataDir });
	}

	/** @throws Error when it was refused */
	async call(op: Op, caller: Caller = anyone): Promise<Zxid> {
		const { error } = await this.#replica!.call(op, undefined, caller);
		if (error !== 0) throw new Error(`${op.kind} was answered with ${error}`);
		return this.zxid;
	}

	create(path: string, data: string | null, acl: readonly Acl[] = openAcl, caller?: Caller): Promise<Zxid> {
		return this.call({ kind: 'create', path, data: bytes(data), acl, mode: 'persistent', withStat: false }, caller);
	}

	set(path: string, data: string | null, caller?: Caller): Promise<Zxid> {
		return this.call({ kind: 'setData', path, data: bytes(data), version: -1 }, caller);
	}

	/** Until all of it is in PostgreSQL. */
	async mirrored(): Promise<Zxid> {
		this.#mirror!.committed(this.zxid);
		await this.#mirror!.mirroredThrough(this.zxid);
		return this.zxid;
	}

	async snapshot(): Promise<void> {
		await this.#replica!.snapshot();
	}

	/** Copies the newest snapshot, and the logs behind it: a directory whose history begins with a base. Opened again, a replica begins a new log. */
	keepNewest(directory: string): void {
		const from = join(this.dataDir, 'version-2');
		const names = readdirSync(from);
		const zxidOf = (name: string) => Number.parseInt(name.split('.')[1]!, 16);
		const newest = Math.max(...names.filter((it) => it.startsWith('snapshot.')).map(zxidOf));
		mkdirSync(directory, { recursive: true });
		for (const name of names) {
			const isKept = name === `snapshot.${newest.toString(16)}` || (name.startsWith('log.') && zxidOf(name) > newest);
			if (isKept) copyFileSync(join(from, name), join(directory, name));
		}
	}

	async close(): Promise<void> {
		await this.#mirror?.stop();
		await this.#replica?.close();
		this.#mirror = undefined;
		this.#replica = undefined;
	}

	async remove(): Promise<void> {
		await this.close();
		rmSync(join(this.dataDir, '..'), { recursive: true, force: true });
	}
}

export function bytes(text: string | null): Uint8Array | null {
	return text === null ? null : new TextEncoder().encode(text);
}
