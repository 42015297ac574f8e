/** States and stretches of the history as requests name them: by zxid, or by time. */
import type { RpcException } from '@nestjs/microservices';
import type { History } from '#audit/history';
import { type Zxid, zeroZxid, zxidFromBigInt } from '#core/model/zxid';
import type { DiffRequest, HistoryRequest } from '#proto/chronokeeper/v1/history';
import { invalidField } from './grpc-error.ts';

/** The zxid that is given, or that of the time that is given; the last one when none is. `prefix` is that of the fields. */
export async function momentOf(
	queries: Pick<History, 'lastZxid' | 'zxidAt'>,
	zxid: bigint | undefined,
	timeMs: bigint | undefined,
	prefix = '',
): Promise<Zxid> {
	if (timeMs === undefined) return optionalZxid(zxid, `${prefix}zxid`) ?? queries.lastZxid();
	if (zxid !== undefined) throw eitherOr(prefix);
	return queries.zxidAt(Number(timeMs));
}

/** The first and the last transaction that may be meant; absent where nothing is said. */
export async function rangeOf(
	queries: Pick<History, 'lastZxidAt'>,
	{ fromZxid, toZxid, fromTimeMs, toTimeMs }: HistoryRequest,
): Promise<{ readonly from: Zxid | undefined; readonly to: Zxid | undefined }> {
	if (fromTimeMs !== undefined && fromZxid !== undefined) throw eitherOr('from_');
	if (toTimeMs !== undefined && toZxid !== undefined) throw eitherOr('to_');
	let from = optionalZxid(fromZxid, 'from_zxid');
	let to = optionalZxid(toZxid, 'to_zxid');
	if (fromTimeMs !== undefined) from = (((await queries.lastZxidAt(Number(fromTimeMs) - 1)) ?? -1) + 1) as Zxid;
	if (toTimeMs !== undefined) to = (await queries.lastZxidAt(Number(toTimeMs))) ?? zeroZxid;
	return { from, to };
}

/** Fields without presence: 0 beside a time is what was not given. */
export async function statesOf(
	queries: Pick<History, 'lastZxid' | 'zxidAt'>,
	{ fromZxid, toZxid, fromTimeMs, toTimeMs }: DiffRequest,
): Promise<readonly [from: Zxid, to: Zxid]> {
	const given = (zxid: bigint, timeMs: bigint | undefined) => (zxid === 0n && timeMs !== undefined ? undefined : zxid);
	return [
		await momentOf(queries, given(fromZxid, fromTimeMs), fromTimeMs, 'from_'),
		await momentOf(queries, given(toZxid, toTimeMs), toTimeMs, 'to_'),
	];
}

function eitherOr(prefix: string): RpcException {
	return invalidField(`${prefix}time_ms`, `give ${prefix}zxid or ${prefix}time_ms, not both`);
}

export function optionalZxid(value: bigint | undefined, field: string): Zxid | undefined {
	if (value === undefined) return undefined;
	try {
		return zxidFromBigInt(value);
	} catch (error) {
		throw invalidField(field, (error as Error).message);
	}
}
