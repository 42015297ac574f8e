/** A logged transaction for machines: everything that is in the record. */
import { type AuditContext, readAuditContext } from '#core/model/audit-context';
import type { TxnRecord } from '#core/model/txn-record';
import { errorName } from '#jute/errors';
import type { Txn } from '#jute/txn';
import { dataObject } from '../view/json.ts';
import { hex } from '../view/text.ts';

export function recordObject({ header, txn, digest, context }: TxnRecord): object {
	return {
		zxid: hex(header.zxid),
		time: header.time,
		session: hex(header.sessionId),
		cxid: header.cxid,
		...txnObject(txn),
		digest: digest === null ? null : { version: digest.version, value: digest.value.toString() },
		context: contextObject(readAuditContext(context)),
	};
}

function contextObject(context: AuditContext | Uint8Array | null): object | null {
	return context instanceof Uint8Array ? { raw: Buffer.from(context).toString('base64') } : context;
}

function txnObject(txn: Txn): object {
	switch (txn.kind) {
		case 'multi':
			return { type: txn.kind, ops: txn.ops.map(txnObject) };
		case 'error':
			return {
				type: txn.kind,
				error: txn.code,
				errorName: errorName(txn.code),
				...(txn.raw === undefined ? {} : { raw: Buffer.from(txn.raw).toString('base64') }),
			};
		case 'create':
		case 'create2':
		case 'createContainer':
		case 'createTTL':
		case 'setData':
		case 'reconfig': {
			const { kind, data, ...rest } = txn;
			return { type: kind, ...rest, ...dataObject(data) };
		}
		default: {
			const { kind, ...rest } = txn;
			return { type: kind, ...rest };
		}
	}
}
