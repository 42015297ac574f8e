/** What a watch tells, in the words of this client. */
import type { Stat } from '#proto/chronokeeper/v1/common';
import type { NodeEvent as WatchedEvent, NodeEventType as WatchedEventType } from './watched-event.ts';

/**
 * `childrenChanged`: a child was created or deleted; recursive watches tell of the child itself instead.
 * `missed`: there were, or may have been, events that no server can tell any more (the path is that of the watch): read what you need anew.
 */
export type NodeEventType = 'created' | 'deleted' | 'dataChanged' | 'childrenChanged' | 'missed';

export interface NodeEvent {
	readonly type: NodeEventType;
	readonly path: string;
	/** The transaction that did it; undefined where the server only knows that something happened. */
	readonly zxid: bigint | undefined;
	/**
	 * Right after it, where the watch is `withData`; undefined when the node is gone, and in events of a time when no server was connected: these come from the log of transactions, which has
	 * what was done to nodes, and not what they were. `ck.at(zxid).exists(path)` has it, where the server has a mirror and the caller the role `history`; `ck.exists(path)` has that of now.
	 */
	readonly stat: Stat | undefined;
	/** Right after it, where the watch is `withData`, in events of a time when no server was connected, too; undefined also when it is null, or may not be read. */
	readonly data: Uint8Array | undefined;
}

const types: Readonly<Record<WatchedEventType, NodeEventType>> = {
	NodeCreated: 'created',
	NodeDeleted: 'deleted',
	NodeDataChanged: 'dataChanged',
	NodeChildrenChanged: 'childrenChanged',
};

/** @param path as the caller calls it @internal */
export function shownEvent({ type, zxid, stat, data }: WatchedEvent, path: string): NodeEvent {
	return { type: types[type], path, zxid, stat, data };
}

/** @param path that of the watch, as the caller calls it @internal */
export function missedEvent(path: string): NodeEvent {
	return { type: 'missed', path, zxid: undefined, stat: undefined, data: undefined };
}
