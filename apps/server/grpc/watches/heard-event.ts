/**
 * An event as streams send it: encoded once, however many of them heard it. What the node was right after it is read when its transaction is done, all of a multi, and before the next
 * one changes anything; a node whose ACL changed in the same transaction is shown only to those whom the new one permits it.
 */
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { WatchEvent } from '#core/model/op';
import { isPermitted } from '#core/tree/acl-check';
import type { DataTree } from '#core/tree/data-tree';
import { permission } from '#jute/op-codes';
import type { Acl, Id } from '#jute/records';
import { WatchEvent as WatchEventMessage, WatchEventType } from '#proto/chronokeeper/v1/watch';
import { stat } from '../znode-responses.ts';

const types = {
	nodeCreated: WatchEventType.WATCH_EVENT_TYPE_NODE_CREATED,
	nodeDeleted: WatchEventType.WATCH_EVENT_TYPE_NODE_DELETED,
	nodeDataChanged: WatchEventType.WATCH_EVENT_TYPE_NODE_DATA_CHANGED,
	nodeChildrenChanged: WatchEventType.WATCH_EVENT_TYPE_NODE_CHILDREN_CHANGED,
} as const satisfies Record<WatchEvent['type'], WatchEventType>;

/** Of WatchResponse.events: field 1, with a length. */
const eventsTag = 10;
/** What of a node cannot change within an event: everybody who heard of it may read it. */
const noAcl: readonly Acl[] = [];

/** One event of a WatchResponse. */
export interface EventFrame {
	/** With its tag and its length: messages are put together from them. */
	readonly bytes: Uint8Array;
	/** -1 for one that tells of what was before (semantics 47). */
	readonly zxid: number;
}

export class HeardEvent {
	readonly #event: WatchEvent;
	readonly #tree: DataTree;
	/** What they were permitted by who hear it. */
	readonly #acl: readonly Acl[];
	#plain: EventFrame | undefined;
	#full: EventFrame | undefined;

	constructor(event: WatchEvent, tree: DataTree) {
		this.#event = event;
		this.#tree = tree;
		this.#acl = tree.acl(event.path) ?? noAcl;
	}

	/** Without the node. */
	get plain(): EventFrame {
		this.#plain ??= this.#frame(false);
		return this.#plain;
	}

	/**
	 * With the node as it is now: call it when the transaction is done.
	 * @param skipAcl as the option of that name
	 */
	full(identities: readonly Id[], skipAcl: boolean): EventFrame {
		// One that a multi has created again is told of by its creation.
		if (this.#event.type === 'nodeDeleted') return this.plain;
		const acl = this.#tree.acl(this.#event.path);
		// Equal lists are the same object.
		const isNew = acl !== undefined && acl !== this.#acl;
		if (isNew && !skipAcl && !isPermitted(acl, permission.read, identities)) return this.plain;
		this.#full ??= this.#frame(true);
		return this.#full;
	}

	#frame(withNode: boolean): EventFrame {
		const { type, path, zxid } = this.#event;
		const of = withNode ? this.#tree.stat(path) : undefined;
		const message: WatchEventMessage = {
			type: types[type],
			path,
			zxid: zxid < 0 ? undefined : BigInt(zxid),
			stat: of === undefined ? undefined : stat(of),
			data: of === undefined ? undefined : (this.#tree.data(path) ?? undefined),
		};
		const writer = WatchEventMessage.encode(message, new BinaryWriter().uint32(eventsTag).fork()).join();
		return { bytes: writer.finish(), zxid };
	}
}
