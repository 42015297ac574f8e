/** What a tail was asked for, read from its request. */
import { status } from '@grpc/grpc-js';
import { pathProblem } from '#core/model/path';
import { type Zxid, zxidFromBigInt } from '#core/model/zxid';
import type { HistoryServiceWatchRequest, TailTransactionsRequest } from '#proto/chronokeeper/v1/history';
import { grpcError, invalidField } from '../grpc-error.ts';
import type { TailChange, TailEntry } from './tail-entry.ts';

export interface TailWish {
	readonly kind: 'transactions' | 'changes';
	/** Undefined: from now on. */
	readonly from: Zxid | undefined;
	readonly withData: boolean;
	readonly progressMs: number;
	/** Tails that ask for the same get the same. */
	readonly key: string;
	wants(entry: TailEntry): boolean;
	wantsChange(change: TailChange): boolean;
}

const defaultProgressMs = 1000;
const leastProgressMs = 100;
const mostFilters = 1000;

/** @throws RpcException INVALID_ARGUMENT */
export function transactionsWish(request: TailTransactionsRequest): TailWish {
	const { paths, types, withData } = request;
	if (paths.length > mostFilters) throw invalidField('paths', `there may be ${mostFilters} of them`);
	const filters = paths.map(({ path, recursive }, index) => pathFilter(path, recursive, `paths[${index}].path`));
	const isWantedType = typeFilter(types);
	const wantsChange = ({ path }: TailChange) => filters.length === 0 || filters.some((matches) => matches(path));
	return {
		kind: 'transactions',
		from: fromZxid(request.fromZxid),
		withData,
		progressMs: progressMs(request.progressIntervalMs),
		key: JSON.stringify(['transactions', paths.map(({ path, recursive }) => [path, recursive]), types, withData]),
		wants: ({ txn, changes }) => isWantedType(txn.type) && (filters.length === 0 || changes.some(wantsChange)),
		wantsChange,
	};
}

/** @throws RpcException INVALID_ARGUMENT */
export function changesWish(request: HistoryServiceWatchRequest): TailWish {
	const { path, recursive, types, withData } = request;
	const matches = pathFilter(path, recursive, 'path');
	const isWantedType = typeFilter(types);
	const wantsChange = (change: TailChange) => matches(change.path) && isWantedType(change.type);
	return {
		kind: 'changes',
		from: fromZxid(request.fromZxid),
		withData,
		progressMs: progressMs(request.progressIntervalMs),
		key: JSON.stringify(['changes', path, recursive, types, withData]),
		wants: ({ changes }) => changes.some(wantsChange),
		wantsChange,
	};
}

function pathFilter(path: string, isRecursive: boolean, field: string): (of: string) => boolean {
	const problem = pathProblem(path);
	if (problem !== null) throw invalidField(field, `${path}: ${problem}`);
	const below = path === '/' ? '/' : `${path}/`;
	return isRecursive ? (of) => of === path || of.startsWith(below) : (of) => of === path;
}

function typeFilter(types: readonly string[]): (type: string) => boolean {
	if (types.length > mostFilters) throw invalidField('types', `there may be ${mostFilters} of them`);
	const wanted = new Set(types);
	return (type) => wanted.size === 0 || wanted.has(type);
}

function fromZxid(value: bigint | undefined): Zxid | undefined {
	if (value === undefined) return undefined;
	try {
		return zxidFromBigInt(value);
	} catch (error) {
		throw grpcError(status.INVALID_ARGUMENT, (error as Error).message, { field: 'from_zxid' });
	}
}

function progressMs(asked: number): number {
	if (asked === 0) return defaultProgressMs;
	if (asked >= leastProgressMs && asked <= 0x7fff_ffff) return asked;
	throw invalidField('progress_interval_ms', `it must be 0 or between ${leastProgressMs} and ${0x7fff_ffff}`);
}
