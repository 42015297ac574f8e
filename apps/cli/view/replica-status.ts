/** The state of a replica for machines. */
import type { StatusResponse, WatchStatusResponse } from '#client/client';
import { hex } from './text.ts';

export function statusObject(status: StatusResponse): object {
	const { mirror, lastSnapshot, ensemble } = status;
	return {
		...status,
		lastZxid: hex(status.lastZxid),
		digest: status.digest.toString(),
		znodes: Number(status.znodes),
		ephemerals: Number(status.ephemerals),
		approximateDataSize: Number(status.approximateDataSize),
		uptimeMs: Number(status.uptimeMs),
		mirror: mirror && { ...mirror, mirroredZxid: hex(mirror.mirroredZxid), lagTxns: Number(mirror.lagTxns) },
		lastSnapshot: lastSnapshot && {
			file: lastSnapshot.file,
			zxid: hex(lastSnapshot.zxid),
			digest: lastSnapshot.digest.toString(),
			bytes: Number(lastSnapshot.bytes),
			durationMs: Number(lastSnapshot.durationMs),
		},
		ensemble: ensemble && { ...ensemble, version: hex(ensemble.version) },
	};
}

/** Of one interval. */
export function activityObject({ status, memoryBytes, watches, ...rest }: WatchStatusResponse): object {
	return {
		...rest,
		memoryBytes: Number(memoryBytes),
		watches: Number(watches),
		status: status && statusObject(status),
	};
}
