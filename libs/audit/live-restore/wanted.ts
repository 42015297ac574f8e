/** What a live restore is to bring about: nodes as they were at a zxid, whatever became of them since. */
import { hash } from 'node:crypto';
import { ownerKind } from '#core/tree/owners';
import type { Acl } from '#jute/records';
import type { HistoryNode } from '../history-view.ts';

export interface WantedNode {
	readonly path: string;
	/** 0 for a persistent node; ZooKeeper's marks for containers and TTL nodes; the session of an ephemeral one. */
	readonly owner: bigint;
	readonly data: Uint8Array | null;
	/** SHA-256 of data that were kept out of PostgreSQL: then the bytes are not known. Null for all others. */
	readonly dataHash: Uint8Array | null;
	readonly acl: readonly Acl[];
}

export function wantedNode(node: HistoryNode): WantedNode {
	const { path, storedOwner, data, dataHash, acl } = node;
	return { path, owner: storedOwner, data, dataHash, acl };
}

export function isEphemeral({ owner }: { readonly owner: bigint }): boolean {
	return ownerKind(owner) === 'ephemeral';
}

export function isSameAcl(one: readonly Acl[], other: readonly Acl[]): boolean {
	if (one === other) return true;
	return (
		one.length === other.length &&
		one.every(({ perms, scheme, id }, i) => {
			const entry = other[i]!;
			return perms === entry.perms && scheme === entry.scheme && id === entry.id;
		})
	);
}

/** Whether these are the data that are wanted; of redacted ones their hash says. */
export function hasWantedData({ data, dataHash }: WantedNode, current: Uint8Array | null): boolean {
	if (dataHash === null) return isSameData(data, current);
	return current !== null && isSameData(hash('sha256', current, 'buffer'), dataHash);
}

/** Null and empty data are not the same (semantics 20). */
export function isSameData(one: Uint8Array | null, other: Uint8Array | null): boolean {
	if (one === null || other === null) return one === other;
	return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
