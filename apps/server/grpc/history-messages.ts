/** The history's records as messages of the API, as far as the caller may see them. */
import type { HistoryDifference, HistoryGap, HistoryNode, HistoryTxn } from '#audit/history';
import { superIdentity } from '#core/chain/options';
import { hideDigests, isPermitted } from '#core/tree/acl-check';
import { permission } from '#jute/op-codes';
import type { Id } from '#jute/records';
import {
	DiffKind,
	type DiffResponse,
	HistoryResponse,
	type HistoryResponse_Context,
	type Znode,
} from '#proto/chronokeeper/v1/history';
import { acl, stat } from './znode-responses.ts';

export interface Viewer {
	readonly identities: readonly Id[];
	readonly skipAcl: boolean;
}

export function txnMessage(txn: HistoryTxn, viewer: Viewer): HistoryResponse {
	return {
		zxid: BigInt(txn.zxid),
		timeMs: BigInt(txn.timeMs),
		sessionId: txn.session,
		cxid: txn.cxid,
		type: txn.type,
		path: txn.path ?? '',
		error: txn.error,
		digest: txn.digest ?? undefined,
		changes: txn.changes.map((change) => ({
			type: change.type,
			path: change.path,
			version: change.type === 'delete' ? undefined : (change.version ?? undefined),
			dataLengthBefore: change.sizeBefore ?? undefined,
			dataLengthAfter: change.sizeAfter ?? undefined,
			dataWithheld: false,
		})),
		context: contextMessage(txn, viewer),
		gap: undefined,
	};
}

export function gapMessage(gap: HistoryGap): HistoryResponse {
	const { kind, reason } = gap;
	return HistoryResponse.fromPartial({
		gap: { afterZxid: BigInt(gap.afterZxid), throughZxid: BigInt(gap.throughZxid), kind, reason },
	});
}

/** A log that Apache ZooKeeper wrote does not say who did it. */
export function contextMessage(txn: Omit<HistoryTxn, 'changes'>, viewer: Viewer): HistoryResponse_Context | undefined {
	// What the system did by itself it did for nobody.
	const isOfSystem = txn.door === 'system';
	if (!isOfSystem && txn.principal === null && txn.address === null && txn.requestId === null) return undefined;
	return {
		identities: identitiesOf(txn.principal ?? '').map((id) => (isSuper(viewer) ? id : withoutHash(id))),
		address: txn.address ?? '',
		door: txn.door,
		traceId: txn.traceId ?? '',
		requestId: txn.requestId ?? '',
	};
}

/** `digest:ann:hash,x509:CN=ann,jwt-role:ops`: a comma in an id stays in it, unless a scheme seems to follow. In the name of a certificate's owner it has a backslash then. */
function identitiesOf(principal: string): Id[] {
	if (principal === '') return [];
	return principal.split(/(?<!\\),(?=[a-z][a-z0-9-]*:)/).map((text) => {
		const colon = text.indexOf(':');
		return { scheme: text.slice(0, colon), id: text.slice(colon + 1) };
	});
}

export function isSuper({ identities, skipAcl }: Viewer): boolean {
	return skipAcl || identities.some(({ scheme }) => scheme === superIdentity.scheme);
}

function withoutHash({ scheme, id }: Id): Id {
	return scheme === 'digest' ? { scheme, id: id.replace(/:.*$/s, ':x') } : { scheme, id };
}

const noHash = new Uint8Array();

export function nodeMessage(node: HistoryNode, viewer: Viewer): Znode {
	const { path } = node;
	const may = (bits: number) => viewer.skipAcl || isPermitted(node.acl, bits, viewer.identities);
	const common = { path, stat: stat(node.stat) };
	if (!may(permission.read))
		return { ...common, data: undefined, acl: [], withheld: true, redacted: false, redactedDataHash: noHash };
	const isAdmin = may(permission.admin);
	const entries = isAdmin ? node.acl : hideDigests(node.acl);
	const redacted = node.dataHash !== null;
	const redactedDataHash = isAdmin && node.dataHash !== null ? node.dataHash : noHash;
	const data = node.data ?? undefined;
	return { ...common, data, acl: entries.map(acl), withheld: false, redacted, redactedDataHash };
}

export function differenceMessage({ path, before, after }: HistoryDifference, viewer: Viewer): DiffResponse {
	const kind =
		before === null
			? DiffKind.DIFF_KIND_CREATED
			: after === null
				? DiffKind.DIFF_KIND_DELETED
				: DiffKind.DIFF_KIND_CHANGED;
	return {
		path,
		kind,
		before: before === null ? undefined : nodeMessage(before, viewer),
		after: after === null ? undefined : nodeMessage(after, viewer),
	};
}
