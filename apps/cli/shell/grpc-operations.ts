/** What the commands ask for, over gRPC: inside a session, or without one where that will do. */
import {
	type ChronokeeperClient,
	CreateMode,
	type MultiRequest_Op,
	type MultiResponse,
	type Session,
	type Stat,
} from '#client/client';
import { ClientError } from '#client/client-error';
import { errors } from '#jute/errors';
import { addWatchMode, watcherType } from '#jute/op-codes';
import type { Acl, Id } from '#jute/records';
import { checkPath } from '../zookeeper/client/client-path.ts';
import { KeeperError } from '../zookeeper/client/keeper-error.ts';
import { Failure } from '../zookeeper/failures.ts';
import type { CreateModeName, NewNode, NodeData, Operations } from '../zookeeper/operations.ts';
import type { ShownStat } from '../zookeeper/text/stat-text.ts';

export const createModes: Readonly<Record<CreateModeName, CreateMode>> = {
	persistent: CreateMode.CREATE_MODE_PERSISTENT,
	ephemeral: CreateMode.CREATE_MODE_EPHEMERAL,
	persistentSequential: CreateMode.CREATE_MODE_PERSISTENT_SEQUENTIAL,
	ephemeralSequential: CreateMode.CREATE_MODE_EPHEMERAL_SEQUENTIAL,
	container: CreateMode.CREATE_MODE_CONTAINER,
	ttl: CreateMode.CREATE_MODE_TTL,
	ttlSequential: CreateMode.CREATE_MODE_TTL_SEQUENTIAL,
};

const removable = { [watcherType.children]: 'children', [watcherType.data]: 'data' } as const;

const configPath = '/zookeeper/config';

export class GrpcOperations implements Operations {
	readonly #client: ChronokeeperClient;
	readonly #session: Session | undefined;

	readonly #onIdentity: ((scheme: string, auth: Uint8Array | null) => void) | undefined;

	/** Without a session nothing can be ephemeral or watched, and no identity added. */
	constructor(
		client: ChronokeeperClient,
		session?: Session,
		onIdentity?: (scheme: string, auth: Uint8Array | null) => void,
	) {
		this.#client = client;
		this.#session = session;
		this.#onIdentity = onIdentity;
	}

	async create({ path, data, acl, mode, ttlMs }: NewNode): Promise<string> {
		checkPath(path, mode.endsWith('Sequential'));
		const options = { mode: createModes[mode], acl: acl.map(grpcAcl), ttlMs };
		return (await this.#of(path, this.#znodes.create(path, data, options))).path;
	}

	async delete(path: string, version: number): Promise<void> {
		checkPath(path);
		await this.#of(path, this.#znodes.delete(path, version));
	}

	async exists(path: string, watch: boolean): Promise<ShownStat | null> {
		checkPath(path);
		const stat = await this.#of(path, this.#znodes.exists(path, { watch }));
		return stat === undefined ? null : shown(stat);
	}

	async getData(path: string, watch: boolean): Promise<NodeData> {
		checkPath(path);
		const { data, stat } = await this.#of(path, this.#znodes.get(path, { watch }));
		return { data, stat: shown(stat) };
	}

	async setData(path: string, data: Uint8Array, version: number): Promise<ShownStat> {
		checkPath(path);
		return shown((await this.#of(path, this.#znodes.set(path, data, version))).stat);
	}

	async getAcl(path: string): Promise<{ readonly acl: readonly Acl[]; readonly stat: ShownStat }> {
		checkPath(path);
		const { acl, stat } = await this.#of(path, this.#znodes.getAcl(path));
		const entries = acl.map(({ perms, id }) => ({ perms, scheme: id?.scheme ?? '', id: id?.id ?? '' }));
		return { acl: entries, stat: shown(stat) };
	}

	async setAcl(path: string, acl: readonly Acl[], version: number): Promise<ShownStat> {
		checkPath(path);
		return shown((await this.#of(path, this.#znodes.setAcl(path, acl.map(grpcAcl), version))).stat);
	}

	async getChildren(path: string, watch: boolean): Promise<{ readonly names: readonly string[]; stat: ShownStat }> {
		checkPath(path);
		const { names, stat } = await this.#of(path, this.#znodes.children(path, { watch }));
		return { names, stat: shown(stat) };
	}

	countAllChildren(path: string): Promise<number> {
		checkPath(path);
		return this.#of(path, this.#znodes.allChildrenNumber(path));
	}

	getEphemerals(prefix: string): Promise<readonly string[]> {
		checkPath(prefix);
		return this.#of(prefix, this.#znodes.ephemerals(prefix));
	}

	async sync(path: string): Promise<number> {
		checkPath(path);
		await this.#of(path, this.#znodes.sync(path));
		return 0;
	}

	async deleteTogether(paths: readonly string[]): Promise<number> {
		const ops = paths.map((path) => ({ op: { $case: 'delete', value: { path, version: -1 } } }) as const);
		try {
			await this.#znodes.multi(ops);
			return 0;
		} catch (error) {
			if (error instanceof ClientError && error.code !== undefined) return error.code;
			throw error;
		}
	}

	/** All or none. @throws ClientError which names the operation that failed */
	multi(ops: readonly MultiRequest_Op[]): Promise<MultiResponse> {
		return this.#znodes.multi(ops);
	}

	async addWatch(path: string, mode: number): Promise<void> {
		checkPath(path);
		const name = mode === addWatchMode.persistent ? 'persistent' : 'persistentRecursive';
		await this.#of(path, this.#inSession.addWatch(path, name));
	}

	/** While the server is away they stay: it sets them again when the session comes back. */
	async removeWatches(path: string, type: number): Promise<void> {
		checkPath(path);
		const mode = type === watcherType.children || type === watcherType.data ? removable[type] : 'any';
		await this.#of(path, this.#inSession.removeWatches(path, mode));
	}

	async whoAmI(): Promise<readonly Id[]> {
		return this.#of(null, this.#znodes.whoAmI());
	}

	async addAuthentication(scheme: string, auth: Uint8Array | null): Promise<void> {
		await this.#of(null, this.#inSession.authenticate(scheme, auth ?? new Uint8Array(0)));
		this.#onIdentity?.(scheme, auth);
	}

	getConfig(watch: boolean): Promise<NodeData> {
		return this.getData(configPath, watch);
	}

	async reconfig(
		joiningServers: string | null,
		leavingServers: string | null,
		newMembers: string | null,
		configId: bigint,
	): Promise<NodeData> {
		const request = {
			joining: joiningServers ?? '',
			leaving: leavingServers ?? '',
			newMembers: newMembers ?? '',
			fromVersion: configId === -1n ? undefined : configId,
		};
		const { config, stat } = await this.#of('', this.#client.reconfig(request));
		if (stat === undefined) throw new Error('the server answered without a Stat');
		return { data: Buffer.from(config), stat: shown(stat) };
	}

	async close(): Promise<void> {
		await this.#session?.close();
	}

	get #znodes(): ChronokeeperClient | Session {
		return this.#session ?? this.#client;
	}

	get #inSession(): Session {
		if (this.#session === undefined) throw new Failure('this needs a session: `ck shell` has one');
		return this.#session;
	}

	/** An error of the server's has the path that was named. */
	async #of<T>(path: string | null, asked: Promise<T>): Promise<T> {
		try {
			return await asked;
		} catch (error) {
			if (!(error instanceof ClientError) || error.code === undefined || !keepsWords(error)) throw error;
			throw new KeeperError(error.code, path);
		}
	}
}

/** The others are about the connection or the session: the client has said what happened. */
function keepsWords({ code }: ClientError): boolean {
	return code !== errors.connectionLoss.code && code !== errors.sessionExpired.code && code !== errors.systemError.code;
}

function grpcAcl({ perms, scheme, id }: Acl): { perms: number; id: Id } {
	return { perms, id: { scheme, id } };
}

export function shown({ ctimeMs, mtimeMs, ...stat }: Stat): ShownStat {
	return { ...stat, ctime: ctimeMs, mtime: mtimeMs };
}
