/** What the commands ask a server for, whatever the protocol: a session of ZooKeeper's protocol can do it, and one over gRPC. */
import type { createFlags } from '#jute/op-codes';
import type { Acl, Id } from '#jute/records';
import type { ShownStat } from './text/stat-text.ts';

export interface NodeData {
	readonly data: Uint8Array | null;
	readonly stat: ShownStat;
}

export type CreateModeName = keyof typeof createFlags;

export interface NewNode {
	readonly path: string;
	readonly data: Uint8Array | null;
	readonly acl: readonly Acl[];
	readonly mode: CreateModeName;
	/** For the modes with a time to live. */
	readonly ttlMs: number;
}

/** Paths that are none are thrown as IllegalArgument, what the server refuses as KeeperError, with the path as it was named. */
export interface Operations {
	/** @returns the path of the node that was made */
	create(node: NewNode): Promise<string>;
	delete(path: string, version: number): Promise<void>;
	/** @returns null when there is no such node */
	exists(path: string, watch: boolean): Promise<ShownStat | null>;
	getData(path: string, watch: boolean): Promise<NodeData>;
	setData(path: string, data: Uint8Array, version: number): Promise<ShownStat>;
	getAcl(path: string): Promise<{ readonly acl: readonly Acl[]; readonly stat: ShownStat }>;
	setAcl(path: string, acl: readonly Acl[], version: number): Promise<ShownStat>;
	getChildren(path: string, watch: boolean): Promise<{ readonly names: readonly string[]; readonly stat: ShownStat }>;
	countAllChildren(path: string): Promise<number>;
	getEphemerals(prefix: string): Promise<readonly string[]>;
	/** @returns the server's code */
	sync(path: string): Promise<number>;
	/** Deletes whatever the versions are, all or none. @returns the code of the first failure, 0 when all are gone */
	deleteTogether(paths: readonly string[]): Promise<number>;
	/** `mode` is one of addWatchMode. */
	addWatch(path: string, mode: number): Promise<void>;
	/** `type` is one of watcherType; `local`: also when the server cannot be reached. */
	removeWatches(path: string, type: number, local: boolean): Promise<void>;
	whoAmI(): Promise<readonly Id[]>;
	addAuthentication(scheme: string, auth: Uint8Array | null): void | Promise<void>;
	/** The ensemble's configuration. */
	getConfig(watch: boolean): Promise<NodeData>;
	/** Null where nothing was said; `configId` -1n is any version. */
	reconfig(
		joiningServers: string | null,
		leavingServers: string | null,
		newMembers: string | null,
		configId: bigint,
	): Promise<NodeData>;
	/** Ends the session. */
	close(): Promise<void>;
}
