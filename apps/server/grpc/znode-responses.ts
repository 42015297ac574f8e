/** The chain's results as messages of the API. */
import type { ErrorResult, Result } from '#core/model/op';
import type { Zxid } from '#core/model/zxid';
import { errorName } from '#jute/errors';
import type { Acl, Stat } from '#jute/records';
import type { Acl as ProtoAcl, Stat as ProtoStat } from '#proto/chronokeeper/v1/common';
import type { MultiReadResponse_Result, MultiResponse_Result } from '#proto/chronokeeper/v1/znode';

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

export function multiReadResult(result: Result | ErrorResult, path: string, zxid: Zxid): MultiReadResponse_Result {
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
					value: { children: [...result.children], stat: stat(result.stat), zxid: BigInt(zxid), nextPageToken: '' },
				},
			};
		case 'error':
			return {
				result: {
					$case: 'error',
					value: {
						code: result.code,
						name: errorName(result.code),
						path,
						zxid: BigInt(zxid),
						op: undefined,
						opCodes: [],
						advice: '',
					},
				},
			};
		default:
			throw new Error(`a multi-read cannot have a result of kind ${result.kind}`);
	}
}
