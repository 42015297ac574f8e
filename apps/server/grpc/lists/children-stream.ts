/**
 * All children of a node with their Stats and data, however many there are: the names of one moment, then the children in messages of bounded size, each message of one moment.
 * Between two messages others have their turn, and the client has taken what was sent before.
 */
import { setImmediate as othersTurn } from 'node:timers/promises';
import type { Host } from '#core/host/host';
import type { Caller, GetChildrenOp } from '#core/model/op';
import { childPath } from '#core/model/path';
import { isPermitted } from '#core/tree/acl-check';
import { errors } from '#jute/errors';
import { permission } from '#jute/op-codes';
import type { StreamChildrenResponse, StreamChildrenResponse_Child } from '#proto/chronokeeper/v1/znode';
import { ZooKeeperError } from '../grpc-error.ts';
import { stat } from '../znode-responses.ts';

export interface ChildrenOptions {
	readonly skipAcl: boolean;
	/** Whether the Stat is for readers only, too. */
	readonly checkExistsAcl: boolean;
}

/** What was asked for, and its first answer. */
export interface ChildrenList {
	readonly op: GetChildrenOp;
	readonly names: readonly string[];
	readonly prefix: string;
	readonly withData: boolean;
	readonly caller: Caller;
	readonly stat: StreamChildrenResponse['stat'];
}

/** Of a message, about; one child may be more. grpc-js keeps up to sixteen of them for a client that is slow. */
const messageBytes = 1 << 18;
/** Of a message: they take some milliseconds. */
const messageChildren = 1000;
/** Stat and what is around it, about. */
const childOverheadBytes = 70;

/** @throws ZooKeeperError when the replica must not be believed any more */
export async function* childrenMessages(
	list: ChildrenList,
	host: Host,
	options: ChildrenOptions,
	signal: AbortSignal,
): AsyncGenerator<StreamChildrenResponse> {
	let first: StreamChildrenResponse['stat'] | undefined = list.stat;
	for (let at = 0; at < list.names.length || first !== undefined; ) {
		if (host.state === 'broken') {
			const { lastProcessedZxid: zxid, stateReason: message } = host;
			throw new ZooKeeperError({ code: errors.systemError.code, path: list.op.path, zxid, message });
		}
		const { children, next } = someChildren(list, at, host, options);
		at = next;
		if (children.length > 0 || first !== undefined) {
			yield { children, stat: first, zxid: BigInt(host.lastProcessedZxid) };
			first = undefined;
		}
		if (signal.aborted) return;
		await othersTurn();
	}
}

function someChildren(list: ChildrenList, from: number, host: Host, options: ChildrenOptions) {
	const { names, prefix } = list;
	const children: StreamChildrenResponse_Child[] = [];
	let bytes = 0;
	let next = from;
	const end = Math.min(names.length, from + messageChildren);
	while (next < end && bytes < messageBytes) {
		const name = names[next++]!;
		if (!name.startsWith(prefix)) continue;
		const child = childOf(list, name, host, options);
		if (child === undefined) continue;
		children.push(child);
		bytes += childOverheadBytes + name.length + (child.data?.length ?? 0);
	}
	return { children, next };
}

/** Undefined when it is gone. */
function childOf(
	{ op, withData, caller }: ChildrenList,
	name: string,
	{ tree }: Host,
	{ skipAcl, checkExistsAcl }: ChildrenOptions,
): StreamChildrenResponse_Child | undefined {
	const path = childPath(op.path, name);
	const of = tree.stat(path);
	if (of === undefined) return undefined;
	const isReader = skipAcl || isPermitted(tree.acl(path)!, permission.read, caller.identities);
	return {
		name,
		stat: isReader || !checkExistsAcl ? stat(of) : undefined,
		data: withData && isReader ? (tree.data(path) ?? undefined) : undefined,
		withheld: !isReader && (withData || checkExistsAcl),
	};
}
