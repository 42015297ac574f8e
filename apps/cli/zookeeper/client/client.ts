/** ZooKeeper's operations on a session: paths are checked and put below the chroot, errors are thrown with the path that was named. */
import type { ClientRequest } from '#jute/client/requests';
import type { ClientResponse } from '#jute/client/responses';
import { errors } from '#jute/errors';
import { createFlags } from '#jute/op-codes';
import type { Acl, Id, Stat } from '#jute/records';
import type { NewNode, NodeData, Operations } from '../operations.ts';
import { checkPath } from './client-path.ts';
import { KeeperError } from './keeper-error.ts';
import type { Reply, Session } from './session.ts';

/** The response to a request of this kind. */
type ResponseOf<K extends ClientResponse['kind'], R = ClientResponse> = R extends { readonly kind: infer Kinds }
	? K extends Kinds
		? R
		: never
	: never;

/** Where a server keeps the ensemble's configuration, whatever the chroot. */
const configNode = '/zookeeper/config';

export class Client implements Operations {
	readonly session: Session;

	constructor(session: Session) {
		this.session = session;
	}

	/** @returns the path of the node that was made */
	async create({ path, data, acl, mode, ttlMs }: NewNode): Promise<string> {
		checkPath(path, mode.endsWith('Sequential'));
		checkAcl(acl);
		const node = { path: this.#server(path), data, acl, flags: createFlags[mode] };
		const withTtl = mode === 'ttl' || mode === 'ttlSequential';
		const request: ClientRequest = withTtl
			? { kind: 'createTTL', ...node, ttlMs }
			: { kind: mode === 'container' ? 'createContainer' : 'create', ...node };
		const { error, response } = await this.session.submit(request);
		if (error !== 0) throw new KeeperError(error, path);
		return this.session.chroot.strip((response as ResponseOf<'create' | 'createContainer' | 'createTTL'>).path);
	}

	async delete(path: string, version: number): Promise<void> {
		checkPath(path);
		// The root cannot be deleted, not even where it is a node like any other.
		const serverPath = path === '/' ? path : this.#server(path);
		await this.#expect({ kind: 'delete', path: serverPath, version }, path);
	}

	/** @returns null when there is no such node */
	async exists(path: string, watch: boolean): Promise<Stat | null> {
		checkPath(path);
		const { watches } = this.session;
		const { error, response } = await this.session.submit(
			{ kind: 'exists', path: this.#server(path), watch },
			(code) => watch && watches.afterExists(path, code),
		);
		if (error === errors.noNode.code) return null;
		if (error !== 0) throw new KeeperError(error, path);
		return (response as ResponseOf<'exists'>).stat;
	}

	async getData(path: string, watch: boolean): Promise<NodeData> {
		checkPath(path);
		return this.#getData(path, this.#server(path), watch);
	}

	getConfig(watch: boolean): Promise<NodeData> {
		return this.#getData(configNode, configNode, watch);
	}

	async setData(path: string, data: Uint8Array, version: number): Promise<Stat> {
		checkPath(path);
		const response = await this.#expect({ kind: 'setData', path: this.#server(path), data, version }, path);
		return (response as ResponseOf<'setData'>).stat;
	}

	async getAcl(path: string): Promise<{ readonly acl: readonly Acl[]; readonly stat: Stat }> {
		checkPath(path);
		return (await this.#expect({ kind: 'getACL', path: this.#server(path) }, path)) as ResponseOf<'getACL'>;
	}

	async setAcl(path: string, acl: readonly Acl[], version: number): Promise<Stat> {
		checkPath(path);
		checkAcl(acl);
		const response = await this.#expect({ kind: 'setACL', path: this.#server(path), acl, version }, path);
		return (response as ResponseOf<'setACL'>).stat;
	}

	async getChildren(path: string, watch: boolean): Promise<{ readonly names: readonly string[]; readonly stat: Stat }> {
		checkPath(path);
		const { watches } = this.session;
		const response = await this.#expect(
			{ kind: 'getChildren2', path: this.#server(path), watch },
			path,
			(code) => watch && watches.afterGetChildren(path, code),
		);
		return response as ResponseOf<'getChildren2'>;
	}

	async countAllChildren(path: string): Promise<number> {
		checkPath(path);
		const response = await this.#expect({ kind: 'getAllChildrenNumber', path: this.#server(path) }, path);
		return (response as ResponseOf<'getAllChildrenNumber'>).count;
	}

	/** Paths and prefix are the server's: ZooKeeper does not put them below the chroot. */
	async getEphemerals(prefix: string): Promise<readonly string[]> {
		checkPath(prefix);
		const response = await this.#expect({ kind: 'getEphemerals', path: prefix }, null);
		return (response as ResponseOf<'getEphemerals'>).names;
	}

	/** @returns the server's code */
	async sync(path: string): Promise<number> {
		checkPath(path);
		return (await this.session.submit({ kind: 'sync', path: this.#server(path) })).error;
	}

	/** Deletes whatever the versions are, all or none. @returns the code of the first failure, 0 when all are gone */
	async deleteTogether(paths: readonly string[]): Promise<number> {
		const ops = paths.map((path) => ({ kind: 'delete', path: this.#server(path), version: -1 }) as const);
		const { error, response } = await this.session.submit({ kind: 'multi', ops });
		if (error !== 0) return error;
		for (const result of (response as ResponseOf<'multi'>).results) {
			if (result.kind === 'error' && result.code !== 0) return result.code;
		}
		return 0;
	}

	async addWatch(path: string, mode: number): Promise<void> {
		checkPath(path);
		const { watches } = this.session;
		await this.#expect({ kind: 'addWatch', path: this.#server(path), mode }, path, (code) =>
			watches.afterAddWatch(path, mode, code),
		);
	}

	/** `local`: also when the server cannot be reached. */
	async removeWatches(path: string, type: number, local: boolean): Promise<void> {
		checkPath(path);
		let problem: number = errors.ok.code;
		await this.session.submit({ kind: 'removeWatches', path: this.#server(path), type }, (code) => {
			const removed = this.session.watches.remove(path, type, local, code);
			if (typeof removed === 'number') problem = removed;
			else this.session.tellRemoved(removed, path, code);
		});
		if (problem !== errors.ok.code) throw new KeeperError(problem, path);
	}

	async whoAmI(): Promise<readonly Id[]> {
		const { response } = await this.session.submit({ kind: 'whoAmI' });
		return response === undefined ? [] : (response as ResponseOf<'whoAmI'>).identities;
	}

	/** One that fails ends the session. */
	addAuthentication(scheme: string, auth: Uint8Array | null): void {
		this.session.addAuthentication({ scheme, auth });
	}

	close(): Promise<void> {
		return this.session.close();
	}

	async reconfig(
		joiningServers: string | null,
		leavingServers: string | null,
		newMembers: string | null,
		configId: bigint,
	): Promise<NodeData> {
		const request = { kind: 'reconfig', joiningServers, leavingServers, newMembers, configId } as const;
		return (await this.#expect(request, '')) as ResponseOf<'reconfig'>;
	}

	async #getData(path: string, serverPath: string, watch: boolean): Promise<NodeData> {
		const { watches } = this.session;
		const response = await this.#expect(
			{ kind: 'getData', path: serverPath, watch },
			path,
			(code) => watch && watches.afterGetData(path, code),
		);
		return response as ResponseOf<'getData'>;
	}

	async #expect(
		request: ClientRequest,
		path: string | null,
		answered?: (error: number) => void,
	): Promise<Reply['response']> {
		const { error, response } = await this.session.submit(request, answered);
		if (error !== 0) throw new KeeperError(error, path);
		return response;
	}

	#server(path: string): string {
		return this.session.chroot.toServer(path);
	}
}

/** An ACL without entries does not reach the server. */
function checkAcl(acl: readonly Acl[]): void {
	if (acl.length === 0) throw new KeeperError(errors.invalidAcl.code);
}
