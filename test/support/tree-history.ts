/** A tree and a counter, to write down histories shortly (for tests). */

import type { TreeListener } from '#core/tree/changes';
import { DataTree } from '#core/tree/data-tree';
import { openAcl } from '#jute/acl';
import type { Acl, TxnHeader } from '#jute/records';
import type { SessionId, Zxid } from '#jute/scalars';
import type { Txn } from '#jute/txn';
import type { NaiveDescription } from './naive-tree.ts';

export const session = 0x1000_0314_cd30_019n as SessionId;
export const creatorOnly: readonly Acl[] = [{ perms: 31, scheme: 'digest', id: 'user:hash' }];

export function header(zxid: number, sessionId: SessionId = session): TxnHeader {
	return { sessionId, cxid: 1, zxid: zxid as Zxid, time: 1_795_245_766_000 + zxid };
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export class History {
	readonly tree = new DataTree();
	zxid = 0;
	readonly events: string[] = [];
	readonly listener: TreeListener = {
		nodeCreated: (path) => this.events.push(`created ${path}`),
		nodeDeleted: (path, acl) => this.events.push(`deleted ${path} ${acl[0]!.scheme}`),
		dataChanged: (path) => this.events.push(`data ${path}`),
		aclChanged: (path) => this.events.push(`acl ${path}`),
		childrenChanged: (path) => this.events.push(`children ${path}`),
	};

	apply(txn: Txn, zxid = ++this.zxid) {
		return this.tree.apply({ header: header(zxid), txn }, this.listener);
	}

	create(path: string, data: Uint8Array | null = null, more: { ephemeral?: boolean; acl?: readonly Acl[] } = {}) {
		const { ephemeral = false, acl = openAcl } = more;
		return this.apply({ kind: 'create', path, data, acl, ephemeral, parentCversion: -1 });
	}
}

/** All nodes, in the tree's own order. */
export function describeTree(tree: DataTree): NaiveDescription[] {
	return [...tree.paths()].map((at) => {
		const content = tree.data(at)!;
		return { path: at, data: content && [...content], acl: tree.acl(at)!, stat: tree.storedStat(at)! };
	});
}
