/** Chronokeeper's client for Node: connect(), operations, watches, transactions. */

export type { Acl, Id, Stat } from '#proto/chronokeeper/v1/common';
export type { CacheChanged, CacheCreated, CacheDeleted, CachedNode, CacheEvent } from './cache/cached-tree.ts';
export { type CacheKind, type CacheOptions, type CacheState, ZnodeCache } from './cache/znode-cache.ts';
export type { TlsOptions } from './channel-security.ts';
export { Chronokeeper } from './chronokeeper.ts';
export { ClientError } from './client-error.ts';
export type { ClientState, HeldSession, StateChange } from './client-state.ts';
export { connect } from './connect.ts';
export type { ConnectOptions, Credentials, RetryOptions } from './connect-options.ts';
export {
	AuthFailedError,
	BadArgumentsError,
	BadVersionError,
	ConnectionLossError,
	InvalidAclError,
	NoAuthError,
	NoChildrenForEphemeralsError,
	NodeExistsError,
	NoNodeError,
	NotEmptyError,
	NoWatcherError,
	OperationAbortedError,
	OperationTimeoutError,
	OutcomeUnknownError,
	QuotaExceededError,
	SessionExpiredError,
	ThrottledError,
	UnimplementedError,
} from './errors.ts';
export type { CommittedChange, CommittedTransaction, TailOptions } from './history/history-tail.ts';
export type { Moment } from './history/moment.ts';
export type {
	ChangedBy,
	HistoryGap,
	HistoryOptions,
	NodeDifference,
	NodeVersion,
} from './history/node-history.ts';
export { Past, type PastChildren, type PastNode } from './history/past.ts';
export type { NodeEvent, NodeEventType } from './node-event.ts';
export { NodeWatch } from './node-watch.ts';
export type { WatchOptions } from './node-watches.ts';
export type {
	ChildPage,
	Children,
	Created,
	CreateOptions,
	DeleteOptions,
	EnsurePathOptions,
	NodeData,
	NodeMode,
	OperationOptions,
	PageOptions,
	Read,
	ReadNode,
	ReadOptions,
	ReadResult,
	SetOptions,
	WatchingReadOptions,
	Written,
} from './operations.ts';
export * from './recipes/index.ts';
export { Transaction, type TransactionCreateOptions, type TransactionResult } from './transaction.ts';
