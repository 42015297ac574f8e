/** A request of WatchService as the chain's operation. */
import { status } from '@grpc/grpc-js';
import type { OpenWatchesOp, WatchTarget } from '#core/model/op';
import { pathProblem } from '#core/model/path';
import { type Zxid, zxidFromBigInt } from '#core/model/zxid';
import { WatchKind, type WatchRequest } from '#proto/chronokeeper/v1/watch';
import { grpcError, invalidField } from '../grpc-error.ts';

const kinds: Readonly<Record<WatchKind, WatchTarget['kind']>> = {
	[WatchKind.WATCH_KIND_UNSPECIFIED]: 'persistentRecursive',
	[WatchKind.WATCH_KIND_DATA]: 'data',
	[WatchKind.WATCH_KIND_CHILDREN]: 'child',
	[WatchKind.WATCH_KIND_PERSISTENT]: 'persistent',
	[WatchKind.WATCH_KIND_PERSISTENT_RECURSIVE]: 'persistentRecursive',
};

/** @throws RpcException INVALID_ARGUMENT */
export function openWatches({ targets, afterZxid }: WatchRequest): OpenWatchesOp {
	if (targets.length === 0) throw invalidField('targets', 'there is nothing to watch: give at least one target');
	const op: OpenWatchesOp = { kind: 'openWatches', targets: targets.map(watchTarget) };
	return afterZxid === undefined ? op : { ...op, afterZxid: zxidOf(afterZxid) };
}

/** Of the op's answer NoNode: which one it was. */
export function missingNode(paths: readonly string[], has: (path: string) => boolean) {
	const path = paths.find((one) => !has(one)) ?? paths[0]!;
	return { path, message: `${path}: the node does not exist, and only one that does has children to watch` };
}

function watchTarget({ path, kind }: WatchRequest['targets'][number], index: number): WatchTarget {
	const problem = pathProblem(path);
	if (problem !== null) throw invalidField(`targets[${index}].path`, `${path}: ${problem}`);
	const known = kinds[kind] as WatchTarget['kind'] | undefined;
	if (known === undefined) throw invalidField(`targets[${index}].kind`, `${kind} is not a WatchKind`);
	return { path, kind: known };
}

function zxidOf(value: bigint): Zxid {
	try {
		return zxidFromBigInt(value);
	} catch (error) {
		throw grpcError(status.INVALID_ARGUMENT, (error as Error).message, { field: 'after_zxid' });
	}
}
