/** What a watch tells, and what can be watched, in ZooKeeper's words. */
import type { Stat } from '#proto/chronokeeper/v1/common';
import { type WatchEvent, WatchEventType, WatcherType, WatchKind } from '#proto/chronokeeper/v1/watch';

export type NodeEventType = 'NodeCreated' | 'NodeDeleted' | 'NodeDataChanged' | 'NodeChildrenChanged';

export interface NodeEvent {
	readonly type: NodeEventType;
	readonly path: string;
	/** The transaction that did it; undefined when it was in a time when the watch was not set. */
	readonly zxid: bigint | undefined;
	/** Right after it, where it was asked for; undefined when the node is gone. */
	readonly stat: Stat | undefined;
	/** Right after it, where it was asked for; undefined also when it is null. */
	readonly data: Uint8Array | undefined;
}

/** `data` and `children` are heard of once, the others every time. */
export type WatchMode = 'data' | 'children' | 'persistent' | 'persistentRecursive';

export const watchKinds: Readonly<Record<WatchMode, WatchKind>> = {
	data: WatchKind.WATCH_KIND_DATA,
	children: WatchKind.WATCH_KIND_CHILDREN,
	persistent: WatchKind.WATCH_KIND_PERSISTENT,
	persistentRecursive: WatchKind.WATCH_KIND_PERSISTENT_RECURSIVE,
};

export const watcherTypes: Readonly<Record<WatchMode | 'any', WatcherType>> = {
	data: WatcherType.WATCHER_TYPE_DATA,
	children: WatcherType.WATCHER_TYPE_CHILDREN,
	persistent: WatcherType.WATCHER_TYPE_PERSISTENT,
	persistentRecursive: WatcherType.WATCHER_TYPE_PERSISTENT_RECURSIVE,
	any: WatcherType.WATCHER_TYPE_ANY,
};

const names: ReadonlyMap<WatchEventType, NodeEventType> = new Map([
	[WatchEventType.WATCH_EVENT_TYPE_NODE_CREATED, 'NodeCreated'],
	[WatchEventType.WATCH_EVENT_TYPE_NODE_DELETED, 'NodeDeleted'],
	[WatchEventType.WATCH_EVENT_TYPE_NODE_DATA_CHANGED, 'NodeDataChanged'],
	[WatchEventType.WATCH_EVENT_TYPE_NODE_CHILDREN_CHANGED, 'NodeChildrenChanged'],
]);

/** Undefined for a kind of event that this client does not know. */
export function nodeEvent({ type, path, zxid, stat, data }: WatchEvent): NodeEvent | undefined {
	const name = names.get(type);
	return name && { type: name, path, zxid, stat, data };
}
