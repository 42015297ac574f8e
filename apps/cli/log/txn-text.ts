/** A logged transaction for people: what it did, in one line. */
import { type AuditContext, type EncodedContext, readAuditContext } from '#core/model/audit-context';
import { errorName } from '#jute/errors';
import type { Txn } from '#jute/txn';
import { aclText, preview, printable } from '../view/text.ts';

/** What the transaction did, without its type. */
export function whatText(txn: Txn): string {
	switch (txn.kind) {
		case 'create':
		case 'create2':
			return `${printable(txn.path)}${txn.ephemeral ? ' ephemeral' : ''} ${preview(txn.data)} ${aclText(txn.acl)}`;
		case 'createContainer':
			return `${printable(txn.path)} ${preview(txn.data)} ${aclText(txn.acl)}`;
		case 'createTTL':
			return `${printable(txn.path)} ttl ${txn.ttlMs} ms ${preview(txn.data)} ${aclText(txn.acl)}`;
		case 'delete':
		case 'deleteContainer':
			return printable(txn.path);
		case 'setData':
		case 'reconfig':
			return `${printable(txn.path)} version ${txn.version} ${preview(txn.data)}`;
		case 'setACL':
			return `${printable(txn.path)} aversion ${txn.version} ${aclText(txn.acl)}`;
		case 'check':
			return `${printable(txn.path)} version ${txn.version}`;
		case 'createSession':
			return `timeout ${txn.timeoutMs} ms`;
		case 'closeSession':
			return closeText(txn.paths);
		case 'error':
			return txn.raw === undefined
				? `${errorName(txn.code)} (${txn.code})`
				: `relabelled by ZooKeeper, ${txn.raw.length} bytes of the original operation`;
		case 'multi':
			return `${txn.ops.length} operations${txn.ops.some((op) => op.kind === 'error') ? ', failed' : ''}`;
		default:
			return txn satisfies never;
	}
}

function closeText(paths: readonly string[] | null): string {
	if (paths === null) return 'all its ephemerals';
	return paths.length === 0 ? 'no ephemerals' : `deletes ${paths.map(printable).join(' ')}`;
}

export function contextText(encoded: AuditContext | EncodedContext | null): string {
	const context = readAuditContext(encoded);
	if (context === null) return '';
	if (context instanceof Uint8Array) return `${context.length} bytes of a later version`;
	const who = context.identities.map(({ scheme, id }) => `${scheme}:${id}`).join(' ');
	return printable([who, context.address, context.door].filter((part) => part !== '').join(' '));
}
