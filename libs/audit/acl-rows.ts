/**
 * ACLs as rows: the JSON that PostgreSQL's jsonb gives back for it, and an id that is made of that text, so that writers need not
 * agree on numbers and a changed row shows.
 */
import { hash } from 'node:crypto';
import type { Acl } from '#jute/records';
import { originalText, storableText } from './copy-rows.ts';

export interface AclRow {
	readonly id: bigint;
	readonly json: string;
}

const rows = new WeakMap<readonly Acl[], AclRow>();

/** Lists are interned by the tree, so this is mostly a look-up. */
export function aclRow(acl: readonly Acl[]): AclRow {
	let row = rows.get(acl);
	if (row === undefined) {
		const json = aclJson(acl);
		row = { id: hash('sha256', json, 'buffer').readBigInt64BE(0), json };
		rows.set(acl, row);
	}
	return row;
}

/** Spaces and the order of keys are those of jsonb's output: shorter keys first. */
function aclJson(acl: readonly Acl[]): string {
	const entries = acl.map(
		({ id, perms, scheme }) =>
			`{"id": ${JSON.stringify(storableText(id))}, "perms": ${perms}, "scheme": ${JSON.stringify(storableText(scheme))}}`,
	);
	return `[${entries.join(', ')}]`;
}

/** What `aclRow` was given, from the JSON that PostgreSQL gives back. */
export function aclFromJson(json: string): Acl[] {
	return aclFromRow(JSON.parse(json) as Acl[]);
}

export function aclFromRow(entries: readonly Acl[]): Acl[] {
	return entries.map(({ perms, scheme, id }) => ({ perms, scheme: originalText(scheme), id: originalText(id) }));
}
