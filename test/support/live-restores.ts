/** A replica with a mirror, in this process, whose tree can be set back while it serves. */
import { randomUUID } from 'node:crypto';
import { History } from '#audit/history';
import { beginRestore, takeOnRestore } from '#audit/live-restore/beginning';
import { LiveRestore, type RestoreReplica } from '#audit/live-restore/live-restore';
import type { RestoreRecord, StoredRecord, Undoing } from '#audit/live-restore/record';
import type { StepLimits } from '#audit/live-restore/steps';
import { isSystemPath } from '#audit/live-restore/subtree';
import { type Mirror, startMirror } from '#audit/mirror';
import { superIdentity } from '#core/chain/options';
import type { Caller, Op, Reply } from '#core/model/op';
import type { Zxid } from '#core/model/zxid';
import { ownerKind } from '#core/tree/owners';
import type { Acl } from '#jute/records';
import { createDatabase, type TestDatabase } from './postgres.ts';
import { TestReplica } from './replica.ts';

const asSuper: Caller = { door: 'grpc', identities: [superIdentity], address: '203.0.113.9:4711' };
const defaultLimits: StepLimits = { operations: 500, bytes: 512 * 1024 };

/** What a node is to a restore. */
export interface Content {
	readonly data: string | null;
	readonly acl: readonly Acl[];
	readonly owner: bigint;
}

export interface RestoreSettings {
	readonly isForced?: boolean;
	readonly unchangedSince?: Zxid;
	readonly limits?: StepLimits;
	readonly signal?: AbortSignal;
	/** What the replica is, to those that want to disturb it. */
	readonly through?: (replica: RestoreReplica) => RestoreReplica;
}

export class LiveRestores {
	readonly replica: TestReplica;
	readonly history: History;
	readonly database: Pick<TestDatabase, 'url' | 'query' | 'drop'>;
	readonly #mirror: Mirror;

	private constructor(replica: TestReplica, database: LiveRestores['database'], mirror: Mirror) {
		this.replica = replica;
		this.database = database;
		this.#mirror = mirror;
		this.history = new History(database.url);
	}

	/** @param given an empty one, with all migrations done; a new one unless it is given */
	static async open(
		dataDir: string,
		given?: LiveRestores['database'],
		redact: readonly string[] = [],
	): Promise<LiveRestores> {
		const database = given ?? (await createDatabase());
		const replica = await TestReplica.open(dataDir);
		return new LiveRestores(replica, database, startMirror({ databaseUrl: database.url, dataDir, redact }));
	}

	get zxid(): Zxid {
		return this.replica.host.lastProcessedZxid;
	}

	/** Everything that was done is in the history when it settles. */
	async mirrored(): Promise<Zxid> {
		const { zxid } = this;
		this.#mirror.committed(zxid);
		await this.#mirror.mirroredThrough(zxid);
		return zxid;
	}

	get asReplica(): RestoreReplica {
		const { host } = this.replica;
		return {
			get tree() {
				return host.tree;
			},
			get isServing() {
				return host.state === 'serving';
			},
			serverId: 1,
			submit: (op: Op, requestId: string): Promise<Reply> => this.replica.call(op, undefined, asSuper, { requestId }),
			now: () => Date.now(),
			// It waits for the next turn only: nothing here takes longer.
			pause: () => new Promise((resolve) => setImmediate(resolve)),
		};
	}

	/** To its end. */
	async undo(undoing: Undoing, settings: RestoreSettings = {}): Promise<RestoreRecord> {
		const { isForced = false, unchangedSince } = settings;
		const order = { undoing, reason: 'a test', by: 'ip:203.0.113.9', isForced, unchangedSince, run: randomUUID() };
		const replica = settings.through?.(this.asReplica) ?? this.asReplica;
		const stored = await beginRestore(replica, order, new AbortController().signal);
		return this.#run(stored, unchangedSince !== undefined, settings);
	}

	restore(zxid: Zxid, path = '/', settings: RestoreSettings = {}): Promise<RestoreRecord> {
		return this.undo({ kind: 'restore', zxid, path }, settings);
	}

	revert(zxid: Zxid, settings: RestoreSettings = {}): Promise<RestoreRecord> {
		return this.undo({ kind: 'revert', zxid }, settings);
	}

	/** By another run. */
	async resume(id: number, settings: RestoreSettings = {}): Promise<RestoreRecord> {
		const order = { run: randomUUID(), isForced: settings.isForced ?? false };
		await this.mirrored();
		return this.#run(await takeOnRestore(this.asReplica, id, order, new AbortController().signal), true, settings);
	}

	#run(stored: StoredRecord, isTakenOn: boolean, settings: RestoreSettings): Promise<RestoreRecord> {
		const replica = settings.through?.(this.asReplica) ?? this.asReplica;
		const { limits = defaultLimits, signal = new AbortController().signal } = settings;
		return new LiveRestore({ replica, trees: this.history, limits, signal }, stored, isTakenOn).run();
	}

	/** What is there now, without ephemeral and system nodes. */
	content(): Map<string, Content> {
		const { tree } = this.replica.host;
		const content = new Map<string, Content>();
		for (const path of tree.paths()) {
			const { ephemeralOwner: owner } = tree.storedStat(path)!;
			if (isSystemPath(path) || ownerKind(owner) === 'ephemeral') continue;
			const data = tree.data(path) ?? null;
			content.set(path, { data: data && Buffer.from(data).toString('base64'), acl: tree.acl(path)!, owner });
		}
		return content;
	}

	/** What the history says was there. */
	async contentAt(zxid: Zxid, prefix = '/'): Promise<Map<string, Content>> {
		const content = new Map<string, Content>();
		for await (const page of this.history.treeAt(zxid, prefix)) {
			for (const { path, data, acl, storedOwner: owner } of page) {
				if (isSystemPath(path) || ownerKind(owner) === 'ephemeral') continue;
				content.set(path, { data: data && Buffer.from(data).toString('base64'), acl, owner });
			}
		}
		return content;
	}

	async close(): Promise<void> {
		await this.history.close();
		await this.#mirror.stop();
		await this.replica.close();
		await this.database.drop();
	}
}
