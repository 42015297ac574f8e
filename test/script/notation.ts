/** How scripts write what the wire has in bytes: ACLs, data, Stats, transactions. */
import { type AuditContext, readAuditContext } from '#core/model/audit-context';
import type { Result, WatchEvent } from '#core/model/op';
import type { TxnRecord } from '#core/model/txn-record';
import { formatZxid } from '#core/model/zxid';
import { errorName } from '#jute/errors';
import type { Acl, Stat } from '#jute/records';
import type { SubTxn, Txn } from '#jute/txn';

const letters = ['r', 'w', 'c', 'd', 'a'];

/** `world:anyone:cdrwa,digest:bob:hash:r`; `none` is the empty list. */
export function parseAcl(text: string): Acl[] {
	if (text === 'none') return [];
	return text.split(',').map((entry) => {
		const first = entry.indexOf(':');
		const last = entry.lastIndexOf(':');
		const perms = [...entry.slice(last + 1)].reduce((bits, letter) => bits | (1 << letters.indexOf(letter)), 0);
		return { scheme: entry.slice(0, first), id: entry.slice(first + 1, last), perms };
	});
}

export function formatAcl(acl: readonly Acl[]): string {
	return acl
		.map(({ scheme, id, perms }) => `${scheme}:${id}:${letters.filter((_, bit) => perms & (1 << bit)).join('')}`)
		.join(',');
}

export function formatData(data: Uint8Array | null): string {
	return data === null ? 'null' : JSON.stringify(new TextDecoder().decode(data));
}

/** Times are given relative to the start of the virtual clock. */
export function formatStat(stat: Stat, startMs: number): string {
	const { czxid, mzxid, pzxid, version, cversion, aversion, ephemeralOwner, dataLength, numChildren } = stat;
	const times = `ctime=${stat.ctime - startMs} mtime=${stat.mtime - startMs}`;
	return (
		`czxid=${formatZxid(czxid)} mzxid=${formatZxid(mzxid)} pzxid=${formatZxid(pzxid)} ${times} version=${version} ` +
		`cversion=${cversion} aversion=${aversion} owner=${ephemeralOwner === 0n ? '0' : 'session'} ` +
		`dataLength=${dataLength} numChildren=${numChildren}`
	);
}

export function formatEvent(event: WatchEvent): string {
	const zxid = event.zxid === -1 ? '-1' : formatZxid(event.zxid as never);
	return `${event.type} ${event.path} zxid=${zxid}`;
}

export function formatResult(result: Result, startMs: number): string {
	switch (result.kind) {
		case 'create':
			return result.withStat ? `${result.path} ${formatStat(result.stat, startMs)}` : result.path;
		case 'setData':
		case 'setACL':
			return `version=${result.stat.version} aversion=${result.stat.aversion}`;
		case 'exists':
			return formatStat(result.stat, startMs);
		case 'getData':
			return `${formatData(result.data)} version=${result.stat.version}`;
		case 'getACL':
			return formatAcl(result.acl);
		case 'getChildren':
			return `[${result.children.join(' ')}] cversion=${result.stat.cversion}`;
		case 'getEphemerals':
			return `[${result.paths.join(' ')}]`;
		case 'getAllChildrenNumber':
			return String(result.count);
		case 'multi':
		case 'multiRead':
			return result.results
				.map((sub) =>
					sub.kind === 'error' ? `error(${errorName(sub.code)})` : `${sub.kind}(${formatResult(sub, startMs)})`,
				)
				.join(' ');
		case 'createSession':
			return `timeout=${result.timeoutMs}`;
		case 'sync':
			return result.path;
		case 'whoAmI':
		case 'auth':
			return result.identities.map(({ scheme, id }) => `${scheme}:${id}`).join(' ') || 'nobody';
		case 'reconfig':
			return formatData(result.data);
		default:
			return '';
	}
}

export function formatTxn(txn: Txn): string {
	switch (txn.kind) {
		case 'create':
		case 'create2':
			return `${txn.kind} ${txn.path}${txn.ephemeral ? ' ephemeral' : ''} parentCversion=${txn.parentCversion}`;
		case 'createContainer':
			return `${txn.kind} ${txn.path} parentCversion=${txn.parentCversion}`;
		case 'createTTL':
			return `${txn.kind} ${txn.path} ttl=${txn.ttlMs} parentCversion=${txn.parentCversion}`;
		case 'delete':
		case 'deleteContainer':
			return `${txn.kind} ${txn.path}`;
		case 'setData':
		case 'reconfig':
			return `${txn.kind} ${txn.path} ${formatData(txn.data)} version=${txn.version}`;
		case 'setACL':
			return `${txn.kind} ${txn.path} ${formatAcl(txn.acl)} version=${txn.version}`;
		case 'check':
			return `${txn.kind} ${txn.path} version=${txn.version}`;
		case 'createSession':
			return `${txn.kind} timeout=${txn.timeoutMs}`;
		case 'closeSession':
			return `${txn.kind} [${(txn.paths ?? []).join(' ')}]`;
		case 'error':
			return `error ${errorName(txn.code)}`;
		case 'multi':
			return `multi ${txn.ops.map((op: SubTxn) => `{${formatTxn(op)}}`).join(' ')}`;
	}
}

/** `who` names the session as the script does. */
export function formatRecord(record: TxnRecord, who: string, startMs: number, digestBefore: bigint): string {
	const { header, txn, digest } = record;
	const context = readAuditContext(record.context);
	const change = digest === null ? 'none' : digest.value === digestBefore ? 'unchanged' : 'changed';
	const door = context === null || context instanceof Uint8Array ? '' : formatContext(context);
	const time = header.time - startMs;
	return `${formatZxid(header.zxid)} ${who} cxid=${header.cxid} time=${time} ${formatTxn(txn)} digest=${change}${door}`;
}

function formatContext({ door, identities, address }: AuditContext): string {
	const by = identities.length === 0 ? '' : ` by=${identities.map(({ scheme, id }) => `${scheme}:${id}`).join(',')}`;
	return ` door=${door}${address === '' ? '' : ` from=${address}`}${by}`;
}
