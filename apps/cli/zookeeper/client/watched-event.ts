/** What a watcher is told, with the names of ZooKeeper's Java client. */
import type { WatcherEvent } from '#jute/client/headers';
import { eventType } from '#jute/op-codes';

export type KeeperState = 'Disconnected' | 'SyncConnected' | 'AuthFailed' | 'ConnectedReadOnly' | 'Expired' | 'Closed';

export type EventType =
	| 'None'
	| 'NodeCreated'
	| 'NodeDeleted'
	| 'NodeDataChanged'
	| 'NodeChildrenChanged'
	| 'DataWatchRemoved'
	| 'ChildWatchRemoved'
	| 'PersistentWatchRemoved';

export interface WatchedEvent {
	readonly state: KeeperState;
	readonly type: EventType;
	/** Null for events of the session. */
	readonly path: string | null;
}

const types: ReadonlyMap<number, EventType> = new Map([
	[eventType.nodeCreated, 'NodeCreated'],
	[eventType.nodeDeleted, 'NodeDeleted'],
	[eventType.nodeDataChanged, 'NodeDataChanged'],
	[eventType.nodeChildrenChanged, 'NodeChildrenChanged'],
]);

/** An event of the server; undefined for one that servers do not send. */
export function nodeEvent(event: WatcherEvent, path: string): WatchedEvent | undefined {
	const type = types.get(event.type);
	return type && { state: 'SyncConnected', type, path };
}

export function eventText({ state, type, path }: WatchedEvent): string {
	return `WatchedEvent state:${state} type:${type} path:${path}`;
}
