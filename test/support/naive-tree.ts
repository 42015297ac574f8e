/** The tree as one would write it in an hour: a Map of objects. The DataTree must never differ from it (for tests). */
import { crc32 } from 'node:zlib';
import { errors } from '#jute/errors';
import type { Acl, StoredStat, TxnHeader } from '#jute/records';
import type { Zxid } from '#jute/scalars';
import type { SubTxn, Txn } from '#jute/txn';

export interface NaiveNode {
	data: Uint8Array | null;
	acl: readonly Acl[];
	stat: StoredStat;
	readonly children: Set<string>;
}

const open: readonly Acl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }];
const zero = 0 as Zxid;

export class NaiveTree {
	readonly nodes = new Map<string, NaiveNode>();

	constructor() {
		for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
			const stat = { czxid: zero, mzxid: zero, pzxid: zero, ctime: 0, mtime: 0, version: 0, cversion: 0 };
			this.nodes.set(path, {
				data: new Uint8Array(0),
				acl: open,
				stat: { ...stat, aversion: 0, ephemeralOwner: 0n },
				children: new Set(),
			});
			if (path !== '/') this.parentOf(path)!.children.add(path);
		}
		const config = this.nodes.get('/zookeeper/config')!;
		config.acl = [{ perms: 1, scheme: 'world', id: 'anyone' }];
		config.stat = { ...config.stat, aversion: -1 };
	}

	apply(header: TxnHeader, txn: Txn): number {
		switch (txn.kind) {
			case 'create':
			case 'create2':
				return this.create(header, txn, txn.ephemeral ? header.sessionId : 0n);
			case 'createContainer':
				return this.create(header, txn, 1n << 63n);
			case 'createTTL':
				return this.create(header, txn, (0xffn << 56n) + BigInt(txn.ttlMs));
			case 'delete':
			case 'deleteContainer':
				return this.delete(header, txn.path);
			case 'setData':
			case 'reconfig': {
				const node = this.nodes.get(txn.path);
				if (node === undefined) return errors.noNode.code;
				node.data = txn.data;
				node.stat = { ...node.stat, mzxid: header.zxid, mtime: header.time, version: txn.version };
				return 0;
			}
			case 'setACL': {
				const node = this.nodes.get(txn.path);
				if (node === undefined) return errors.noNode.code;
				node.acl = txn.acl;
				node.stat = { ...node.stat, aversion: txn.version };
				return 0;
			}
			case 'closeSession': {
				for (const path of txn.paths ?? []) this.delete(header, path);
				const owned = [...this.nodes].filter(([, node]) => node.stat.ephemeralOwner === header.sessionId);
				for (const [path] of owned) this.delete(header, path);
				return 0;
			}
			case 'multi':
				return this.multi(header, txn.ops);
			case 'error':
				return txn.code;
			default:
				return 0;
		}
	}

	private multi(header: TxnHeader, ops: readonly SubTxn[]): number {
		const at = ops.findIndex((op) => op.kind === 'error');
		if (at !== -1) {
			const codes = ops.slice(at).map((op) => (op.kind === 'error' ? op.code : errors.runtimeInconsistency.code));
			return codes.find((code) => code !== 0) ?? 0;
		}
		return ops.map((op) => this.apply(header, op)).find((error) => error !== 0) ?? 0;
	}

	private create(
		{ zxid, time }: TxnHeader,
		txn: { path: string; data: Uint8Array | null; acl: readonly Acl[]; parentCversion: number },
		ephemeralOwner: bigint,
	): number {
		const parent = this.parentOf(txn.path);
		if (parent === undefined) return errors.noNode.code;
		const cversion = txn.parentCversion === -1 ? parent.stat.cversion + 1 : txn.parentCversion;
		if (cversion > parent.stat.cversion) parent.stat = { ...parent.stat, cversion, pzxid: zxid };
		if (this.nodes.has(txn.path)) return errors.nodeExists.code;
		const stat = {
			czxid: zxid,
			mzxid: zxid,
			pzxid: zxid,
			ctime: time,
			mtime: time,
			version: 0,
			cversion: 0,
			aversion: 0,
		};
		this.nodes.set(txn.path, {
			data: txn.data,
			acl: txn.acl,
			stat: { ...stat, ephemeralOwner },
			children: new Set(),
		});
		parent.children.add(txn.path);
		return 0;
	}

	private delete({ zxid }: TxnHeader, path: string): number {
		const parent = this.parentOf(path);
		if (parent === undefined) return errors.noNode.code;
		if (zxid > parent.stat.pzxid) parent.stat = { ...parent.stat, pzxid: zxid };
		const node = this.nodes.get(path);
		if (node === undefined) return errors.noNode.code;
		parent.children.delete(path);
		for (const below of [...this.nodes.keys()]) {
			if (below === path || below.startsWith(`${path}/`)) this.nodes.delete(below);
		}
		return 0;
	}

	private parentOf(path: string): NaiveNode | undefined {
		return this.nodes.get(path.slice(0, path.lastIndexOf('/')) || '/');
	}

	/** With zlib's CRC, over a buffer put together as the recordings' README says. */
	digest(): bigint {
		let sum = 0n;
		for (const [path, node] of this.nodes) {
			if (path.startsWith('/zookeeper/')) continue;
			const stat = Buffer.alloc(60);
			const { czxid, mzxid, pzxid, ctime, mtime } = node.stat;
			for (const [i, value] of [czxid, mzxid, pzxid, ctime, mtime].entries())
				stat.writeBigInt64BE(BigInt(value), i * 8);
			stat.writeInt32BE(node.stat.version, 40);
			stat.writeInt32BE(node.stat.cversion, 44);
			stat.writeInt32BE(node.stat.aversion, 48);
			stat.writeBigUInt64BE(node.stat.ephemeralOwner, 52);
			const name = Buffer.from(javaText(path === '/' ? '' : path), 'utf8');
			sum += BigInt(crc32(Buffer.concat([name, node.data ?? new Uint8Array(0), stat])));
		}
		return BigInt.asUintN(64, sum);
	}

	/** In the pre-order of creation. */
	describe(): NaiveDescription[] {
		const nodes: NaiveDescription[] = [];
		const visit = (path: string): void => {
			const { data, acl, stat, children } = this.nodes.get(path)!;
			nodes.push({ path, data: data === null ? null : [...data], acl, stat });
			for (const child of children) visit(child);
		};
		visit('/');
		return nodes;
	}
}

export interface NaiveDescription {
	readonly path: string;
	readonly data: readonly number[] | null;
	readonly acl: readonly Acl[];
	readonly stat: StoredStat;
}

/** Java's UTF-8 makes a question mark of a lone surrogate, Node's U+FFFD. */
function javaText(text: string): string {
	return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '?');
}
