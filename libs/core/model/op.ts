/**
 * What a client asks for, whichever door it came through, and what it gets. Doors translate their own wire format to an `Op`
 * and a `Reply` back; the chain knows nothing else.
 */
import type { Acl, Id, Stat } from '#jute/records';
import type { SessionId, Zxid } from '#jute/scalars';

export type CreateMode =
	| 'persistent'
	| 'ephemeral'
	| 'persistentSequential'
	| 'ephemeralSequential'
	| 'container'
	| 'ttl'
	| 'ttlSequential'
	/** A flag that ZooKeeper does not have: BadArguments, in a transaction of its own (semantics 21). */
	| 'invalid';

export interface CreateOp {
	readonly kind: 'create';
	readonly path: string;
	readonly data: Uint8Array | null;
	readonly acl: readonly Acl[];
	readonly mode: CreateMode;
	/** Milliseconds, for the two TTL modes. */
	readonly ttlMs?: number;
	/** Whether the transaction and the answer are create2's (with Stat) or create's. */
	readonly withStat: boolean;
}
/** Versions in requests: -1 means any (semantics 26). */
export interface DeleteOp {
	readonly kind: 'delete';
	readonly path: string;
	readonly version: number;
}
/** Made by the server's own container task only (semantics 32). */
export interface DeleteContainerOp {
	readonly kind: 'deleteContainer';
	readonly path: string;
}
export interface SetDataOp {
	readonly kind: 'setData';
	readonly path: string;
	readonly data: Uint8Array | null;
	readonly version: number;
}
export interface SetAclOp {
	readonly kind: 'setACL';
	readonly path: string;
	readonly acl: readonly Acl[];
	readonly version: number;
}
export interface CheckOp {
	readonly kind: 'check';
	readonly path: string;
	readonly version: number;
}
export interface MultiOp {
	readonly kind: 'multi';
	readonly ops: readonly (CreateOp | DeleteOp | SetDataOp | CheckOp)[];
}
export interface CreateSessionOp {
	readonly kind: 'createSession';
	readonly timeoutMs: number;
}
export interface CloseSessionOp {
	readonly kind: 'closeSession';
}
export interface ReconfigOp {
	readonly kind: 'reconfig';
	readonly joiningServers: string | null;
	readonly leavingServers: string | null;
	readonly newMembers: string | null;
	readonly configId: bigint;
}
/** A write whose body could not be decoded: it draws a zxid and is answered MarshallingError (semantics 45). */
export interface UnparsableOp {
	readonly kind: 'unparsable';
}

/** A read whose body could not be decoded: it is answered MarshallingError in its turn and draws no zxid. */
export interface UnreadableOp {
	readonly kind: 'unreadable';
}

export interface ExistsOp {
	readonly kind: 'exists';
	readonly path: string;
	readonly watch: boolean;
}
export interface GetDataOp {
	readonly kind: 'getData';
	readonly path: string;
	readonly watch: boolean;
}
export interface GetAclOp {
	readonly kind: 'getACL';
	readonly path: string;
}
/** Opcode 8 (names only) and 12 (names and Stat) in one: the answer always carries the Stat. */
export interface GetChildrenOp {
	readonly kind: 'getChildren';
	readonly path: string;
	readonly watch: boolean;
}
export interface GetEphemeralsOp {
	readonly kind: 'getEphemerals';
	readonly prefix: string;
}
export interface GetAllChildrenNumberOp {
	readonly kind: 'getAllChildrenNumber';
	readonly path: string;
}
export interface MultiReadOp {
	readonly kind: 'multiRead';
	readonly ops: readonly (GetDataOp | GetChildrenOp)[];
}
export interface SyncOp {
	readonly kind: 'sync';
	readonly path: string;
}
export interface WhoAmIOp {
	readonly kind: 'whoAmI';
}
export interface PingOp {
	readonly kind: 'ping';
}
export interface AuthOp {
	readonly kind: 'auth';
	readonly scheme: string;
	/** Null fails where credentials are looked at. */
	readonly auth: Uint8Array | null;
}

/** An operation code that ZooKeeper does not know: answered Unimplemented, and the door closes the connection (semantics 68). */
export interface UnknownOp {
	readonly kind: 'unknown';
	readonly code: number;
}

export type WatchMode = 'persistent' | 'persistentRecursive';
export type WatcherType = 'children' | 'data' | 'any' | 'persistent' | 'persistentRecursive';
export interface AddWatchOp {
	readonly kind: 'addWatch';
	readonly path: string;
	readonly mode: WatchMode;
}
export interface RemoveWatchesOp {
	readonly kind: 'removeWatches';
	readonly path: string;
	readonly type: WatcherType;
}
export interface CheckWatchesOp {
	readonly kind: 'checkWatches';
	readonly path: string;
	readonly type: WatcherType;
}
export interface SetWatchesOp {
	readonly kind: 'setWatches';
	readonly relativeZxid: Zxid;
	readonly data: readonly string[];
	readonly exist: readonly string[];
	readonly child: readonly string[];
	readonly persistent: readonly string[];
	readonly persistentRecursive: readonly string[];
}
/**
 * What ZooKeeper has no request for: watches of all kinds at once, for a watcher that is new. One of children needs its node, as getChildren does: NoNode, and none is set.
 */
export interface OpenWatchesOp {
	readonly kind: 'openWatches';
	readonly targets: readonly WatchTarget[];
	/** The state the watcher has seen: what changed behind it is told at once, but for persistentRecursive. Absent: only what comes. */
	readonly afterZxid?: Zxid;
}
export interface WatchTarget {
	readonly path: string;
	/** `data` is for a path without a node, too. */
	readonly kind: 'data' | 'child' | WatchMode;
}

export type WriteOp =
	| CreateOp
	| DeleteOp
	| DeleteContainerOp
	| SetDataOp
	| SetAclOp
	| CheckOp
	| MultiOp
	| CreateSessionOp
	| CloseSessionOp
	| ReconfigOp
	| UnparsableOp;
export type ReadOp =
	| ExistsOp
	| GetDataOp
	| GetAclOp
	| GetChildrenOp
	| GetEphemeralsOp
	| GetAllChildrenNumberOp
	| MultiReadOp
	| SyncOp
	| WhoAmIOp
	| PingOp
	| AuthOp
	| AddWatchOp
	| RemoveWatchesOp
	| CheckWatchesOp
	| SetWatchesOp
	| OpenWatchesOp
	| UnreadableOp
	| UnknownOp;
export type Op = WriteOp | ReadOp;

/** The doors a request comes in by, as the audit shows them. */
export type Door = 'grpc' | 'zookeeper' | 'http' | 'system';

/** Who asks: the identities that authentication gave this connection, its address (`ip` is added as an identity from it). */
export interface Caller {
	readonly door: Door;
	readonly identities: readonly Id[];
	/** `203.0.113.7` or `203.0.113.7:51234`; empty for the system itself. */
	readonly address: string;
	/** The watch events of this connection go here; absent where watches cannot be set. */
	readonly watcher?: Watcher;
}

/** The order in which results arrive is the order of the requests of one session (semantics 10). */
export interface Request {
	/** noSession for a session-less call. */
	readonly sessionId: SessionId;
	readonly cxid: number;
	readonly op: Op;
	readonly caller: Caller;
	/** The server id of the learner that forwarded it; absent for what came in here (semantics 65). */
	readonly owner?: number;
	/** Chosen by the door, shown in the audit. */
	readonly requestId?: string | undefined;
	/** W3C traceparent of the request's span when it is sampled. Whoever makes sampled requests gives all of theirs this property: the chain is a tenth faster with requests of one shape. */
	readonly traceparent?: string | undefined;
	/** Whether nobody waits for the answer any more: asked once, in its turn, and what nobody waits for is not begun. Absent: somebody does. */
	readonly isAbandoned?: () => boolean;
	/** Called exactly once, never from inside submit(). */
	readonly reply: (reply: Reply) => void;
}

export interface Reply {
	/** 0, or a code of the catalogue in jute/errors.ts. Of a failed multi it is 0: see its results (semantics 42). */
	readonly error: number;
	/** A write's own zxid, 0 for auth, otherwise the last processed one (semantics 4). */
	readonly zxid: Zxid;
	/** Present when error is 0 and the operation has a result; its kind is the op's. */
	readonly result?: Result;
}

export type Result =
	| { readonly kind: 'create'; readonly path: string; readonly stat: Stat; readonly withStat: boolean }
	| {
			readonly kind:
				| 'delete'
				| 'deleteContainer'
				| 'check'
				| 'closeSession'
				| 'ping'
				| 'addWatch'
				| 'removeWatches'
				| 'checkWatches'
				| 'setWatches'
				| 'openWatches';
	  }
	/** What the door adds to the connection's identities from now on (semantics 38). */
	| { readonly kind: 'auth'; readonly identities: readonly Id[] }
	| { readonly kind: 'setData' | 'setACL' | 'exists'; readonly stat: Stat }
	| { readonly kind: 'multi' | 'multiRead'; readonly results: readonly (Result | ErrorResult)[] }
	| {
			readonly kind: 'createSession';
			readonly sessionId: SessionId;
			readonly password: Uint8Array;
			readonly timeoutMs: number;
	  }
	| { readonly kind: 'getData'; readonly data: Uint8Array | null; readonly stat: Stat }
	| { readonly kind: 'getACL'; readonly acl: readonly Acl[]; readonly stat: Stat }
	| { readonly kind: 'getChildren'; readonly children: readonly string[]; readonly stat: Stat }
	| { readonly kind: 'getEphemerals'; readonly paths: readonly string[] }
	| { readonly kind: 'getAllChildrenNumber'; readonly count: number }
	| { readonly kind: 'sync'; readonly path: string }
	| { readonly kind: 'whoAmI'; readonly identities: readonly Id[] }
	| { readonly kind: 'reconfig'; readonly data: Uint8Array | null; readonly stat: Stat };
export interface ErrorResult {
	readonly kind: 'error';
	readonly code: number;
}

export type WatchEventType = 'nodeCreated' | 'nodeDeleted' | 'nodeDataChanged' | 'nodeChildrenChanged';
export interface WatchEvent {
	readonly type: WatchEventType;
	readonly path: string;
	/** The causing transaction; -1 when setWatches produced it (semantics 47). */
	readonly zxid: number;
}
/** One connection that can hold watches; identity is the object itself. */
export interface Watcher {
	readonly sessionId: SessionId;
	/** Synchronous, inside apply, before the reply of the causing write (semantics 46). Must not throw. */
	process(event: WatchEvent): void;
	/** The identities READ is checked with before an event is delivered (semantics 48). */
	readonly identities: readonly Id[];
}
