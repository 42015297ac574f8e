/** The state of a replica for machines. */
import type { StatusResponse, WatchStatusResponse } from '#client/client';
import { hex } from './text.ts';

type Snapshot = NonNullable<StatusResponse['lastSnapshot']>;

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
		lastSnapshot: lastSnapshot && snapshotObject(lastSnapshot),
		ensemble: ensemble && { ...ensemble, version: hex(ensemble.version) },
	};
}

export function snapshotObject({ file, zxid, digest, bytes, durationMs }: Snapshot): object {
	return { file, zxid: hex(zxid), digest: digest.toString(), bytes: Number(bytes), durationMs: Number(durationMs) };
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
