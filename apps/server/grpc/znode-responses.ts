/** The chain's results as messages of the API. */
import type { ErrorResult, Result } from '#core/model/op';
import type { Zxid } from '#core/model/zxid';
import type { Acl, Stat } from '#jute/records';
import type { Acl as ProtoAcl, Stat as ProtoStat } from '#proto/chronokeeper/v1/common';
import type {
	ListChildrenResponse,
	MultiReadRequest_Op,
	MultiReadResponse_Result,
	MultiResponse_Result,
} from '#proto/chronokeeper/v1/znode';
import { detailOf } from './grpc-error.ts';
import { childrenPage, type PageRequest } from './lists/children-page.ts';

export function stat(of: Stat): ProtoStat {
	return {
		czxid: BigInt(of.czxid),
		mzxid: BigInt(of.mzxid),
		pzxid: BigInt(of.pzxid),
		ctimeMs: BigInt(of.ctime),
		mtimeMs: BigInt(of.mtime),
		version: of.version,
		cversion: of.cversion,
		aversion: of.aversion,
		ephemeralOwner: of.ephemeralOwner,
		dataLength: of.dataLength,
		numChildren: of.numChildren,
	};
}

export function acl({ perms, scheme, id }: Acl): ProtoAcl {
	return { perms, id: { scheme, id } };
}

export function multiResult(result: Result | ErrorResult): MultiResponse_Result {
	switch (result.kind) {
		case 'create':
			return { path: result.path, stat: stat(result.stat) };
		case 'setData':
			return { path: '', stat: stat(result.stat) };
		default:
			return { path: '', stat: undefined };
	}
}

/** All the children, or the page that was asked for. */
export function childrenResponse(
	{ children, stat: of }: Extract<Result, { readonly kind: 'getChildren' }>,
	request: PageRequest,
	zxid: Zxid,
): ListChildrenResponse {
	return { ...childrenPage(children, request), stat: stat(of), zxid: BigInt(zxid) };
}

/** @param op what the request asked: of a list, which page */
export function multiReadResult(
	result: Result | ErrorResult,
	op: MultiReadRequest_Op,
	zxid: Zxid,
): MultiReadResponse_Result {
	switch (result.kind) {
		case 'getData':
			return {
				result: {
					$case: 'get',
					value: { data: result.data ?? undefined, stat: stat(result.stat), zxid: BigInt(zxid) },
				},
			};
		case 'getChildren':
			return {
				result: {
					$case: 'listChildren',
					value: childrenResponse(result, pageRequest(op), zxid),
				},
			};
		case 'error':
			return {
				result: {
					$case: 'error',
					value: detailOf({ code: result.code, path: op.op?.value.path ?? '', zxid }),
				},
			};
		default:
			throw new Error(`a multi-read cannot have a result of kind ${result.kind}`);
	}
}

function pageRequest({ op }: MultiReadRequest_Op): PageRequest {
	if (op?.$case !== 'listChildren') throw new Error('only a list of children is answered with one');
	return op.value;
}
