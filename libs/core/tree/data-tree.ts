/**
 * The tree of znodes: the state that the committed log is folded into, and all that reads are answered from.
 *
 * Nodes lie in shared memory outside the garbage-collected heap (node-store.ts); strings and Stats are made when somebody asks. A
 * transaction is applied by apply.ts with the four changes below; none of them checks versions, ACLs or paths: a txn is a
 * result, and replaying it over a tree that has it already changes nothing (semantics 64, 78).
 */
import { crc32 } from '#jute/crc32';
import { errors } from '#jute/errors';
import type { Acl, Stat, StoredStat, TxnHeader } from '#jute/records';
import type { SessionId, Zxid } from '#jute/scalars';
import type { Txn } from '#jute/txn';
import { configPath, isOutsideDigest, parentPath, quotaPath, rootPath, zookeeperPath } from '../model/path.ts';
import { zeroZxid } from '../model/zxid.ts';
import { AclCache, openAclId } from './acl-cache.ts';
import { applyTxn } from './apply.ts';
import { emptyBlob, nullBlob, unkeptBlob } from './blob-store.ts';
import { dataCrc, encodeStat, getLong, pathCrc, setLong, statBytes, TreeDigest } from './digest.ts';
import { FrozenTree } from './frozen-tree.ts';
import {
	aclField,
	aversionAt,
	childCountField,
	contentCrcField,
	cversionAt,
	dataLengthField,
	digestField,
	firstChildField,
	mtimeAt,
	mzxidAt,
	nameInfoField,
	nextSiblingField,
	outsideDigestFlag,
	pzxidAt,
	versionAt,
} from './node-layout.ts';
import { readOwner, readStoredStat } from './node-reader.ts';
import { NodeStore, none, root } from './node-store.ts';
import { Owners, visibleOwner } from './owners.ts';
import { QuotaUsage } from './quota-usage.ts';

export interface DataTreeOptions {
	/** false: data is counted (dataLength) and digested, not kept, except below /zookeeper/quota. The mirror's fold. */
	readonly keepData?: boolean;
	/** Any number; keeps clients from choosing paths of equal hash. Nothing else depends on it. */
	readonly hashSeed?: number;
}

/** Called in ZooKeeper's order of watch triggering (semantics 49), after each effect. May not change the tree. */
export interface TreeListener {
	nodeCreated(path: string): void;
	/** `acl` is the one it had. */
	nodeDeleted(path: string, acl: readonly Acl[]): void;
	dataChanged(path: string): void;
	aclChanged(path: string): void;
	/** The parent, after a child was created or deleted. */
	childrenChanged(path: string): void;
}

export interface ApplyResult {
	/** 0, or a code of the catalogue. Of a multi: the first of its results that is not 0. */
	readonly error: number;
	readonly path?: string;
	/** The node's Stat right after the transaction, as clients see it: creates, setData, setACL. */
	readonly stat?: Stat;
	/** One for each operation of a multi. */
	readonly results?: readonly ApplyResult[];
}

/** A node with all that Prep needs to know of it. */
export interface NodeRecord {
	readonly path: string;
	readonly stat: StoredStat;
	readonly acl: readonly Acl[];
	readonly childCount: number;
	readonly dataLength: number;
	/** CRC-32 of path and data: the digest after a change of the Stat continues from it. */
	readonly contentCrc: number;
	/** What the node adds to the tree digest. */
	readonly digest: number;
}

/** A node's ACL number that a fuzzy snapshot does not explain; the replay of the node's creation brings the list. */
const unresolvedAclId = 0;
/** Until then nobody but super has any permission. */
const unresolvedAcl: readonly Acl[] = Object.freeze([{ perms: 0, scheme: 'world', id: 'anyone' }]);
const readAcl: readonly Acl[] = Object.freeze([{ perms: 1, scheme: 'world', id: 'anyone' }]);
const noData = new Uint8Array(0);
const zeroStat: StoredStat = {
	czxid: zeroZxid,
	mzxid: zeroZxid,
	ctime: 0,
	mtime: 0,
	version: 0,
	cversion: 0,
	aversion: 0,
	ephemeralOwner: 0n,
	pzxid: zeroZxid,
};

export class DataTree {
	/** The last transaction that was applied; a loader sets it. */
	lastProcessedZxid: Zxid = zeroZxid;
	readonly #keepData: boolean;
	readonly #store: NodeStore;
	readonly #owners: Owners;
	readonly #acls = new AclCache();
	readonly #quotas: QuotaUsage;
	readonly #digest = new TreeDigest();
	#dataSize = 0;
	#unresolvedAcls = 0;
	/** ACL numbers of the snapshot being loaded and the ones they have here. */
	#loadedAcls: Map<bigint, number> | null = null;

	/** `none` is what load() starts from; a new tree has the nodes a new ZooKeeper has. */
	constructor(options: DataTreeOptions = {}, nodes: 'initial' | 'none' = 'initial') {
		this.#keepData = options.keepData ?? true;
		this.#store = new NodeStore(options.hashSeed ?? 0x811c_9dc5);
		this.#owners = new Owners(this.#store.pages);
		this.#quotas = new QuotaUsage(this.#store, (node, path, data) => this.#replaceData(node, path, data));
		if (nodes === 'none') {
			this.#loadedAcls = new Map();
			return;
		}
		this.#fill(root, rootPath, noData, openAclId, zeroStat);
		this.#add(zookeeperPath, root, noData, openAclId, zeroStat);
		this.#add(quotaPath, this.#store.find(zookeeperPath), noData, openAclId, zeroStat);
		this.#addConfigNode();
	}

	// --- reading

	/** Number of znodes. */
	get size(): number {
		return this.#store.size;
	}

	/** The tree digest, unsigned 64 bits (semantics 76). */
	digest(): bigint {
		return this.#digest.value();
	}

	/** Characters of all paths plus bytes of all data, as ZooKeeper counts them: the root twice. */
	get approximateDataSize(): number {
		return this.#dataSize + this.#dataLength(root);
	}

	get ephemeralCount(): number {
		return this.#owners.ephemeralCount;
	}

	get containerCount(): number {
		return this.#owners.containerCount;
	}

	get ttlCount(): number {
		return this.#owners.ttlCount;
	}

	/** Distinct ACL lists with a number. */
	get aclCount(): number {
		return this.#acls.size;
	}

	/** Nodes whose ACL a fuzzy snapshot left out; 0 once the log behind it has been replayed. */
	get unresolvedAclCount(): number {
		return this.#unresolvedAcls;
	}

	has(path: string): boolean {
		return this.#store.find(path) !== none;
	}

	/** What a client sees; undefined when there is no such node. */
	stat(path: string): Stat | undefined {
		const node = this.#store.find(path);
		return node === none ? undefined : this.#stat(node);
	}

	storedStat(path: string): StoredStat | undefined {
		const node = this.#store.find(path);
		return node === none ? undefined : readStoredStat(this.#store.pages, node);
	}

	/** A copy; null is a node without data (or whose data is not kept), undefined no node. */
	data(path: string): Uint8Array | null | undefined {
		const node = this.#store.find(path);
		return node === none ? undefined : this.#data(node);
	}

	/** Names, in the order of creation. */
	children(path: string): string[] | undefined {
		const parent = this.#store.find(path);
		if (parent === none) return undefined;
		const names: string[] = [];
		let node = this.#word(parent, firstChildField);
		for (; node !== none; node = this.#word(node, nextSiblingField)) names.push(this.#store.name(node));
		return names;
	}

	childCount(path: string): number | undefined {
		const node = this.#store.find(path);
		return node === none ? undefined : this.#word(node, childCountField);
	}

	/** Equal lists are the same object. */
	acl(path: string): readonly Acl[] | undefined {
		const node = this.#store.find(path);
		return node === none ? undefined : this.#acl(node);
	}

	node(path: string): NodeRecord | undefined {
		const node = this.#store.find(path);
		if (node === none) return undefined;
		return {
			path: node === root ? rootPath : path,
			stat: readStoredStat(this.#store.pages, node),
			acl: this.#acl(node),
			childCount: this.#word(node, childCountField),
			dataLength: this.#dataLength(node),
			contentCrc: this.#word(node, contentCrcField) >>> 0,
			digest: this.#word(node, digestField) >>> 0,
		};
	}

	/** In the order of creation. */
	ephemeralsOf(sessionId: SessionId): string[] {
		return [...this.#owned(this.#owners.firstOf(sessionId))];
	}

	sessionsWithEphemerals(): IterableIterator<SessionId> {
		return this.#owners.sessions();
	}

	/** The tree may not change during the iteration. */
	containers(): Iterable<string> {
		return this.#owned(this.#owners.firstContainer());
	}

	/** The tree may not change during the iteration. */
	ttlNodes(): Iterable<string> {
		return this.#owned(this.#owners.firstTtl());
	}

	/** All paths in pre-order, parents first. The tree may not change during the iteration. */
	*paths(): IterableIterator<string> {
		for (let node: number = root; node !== none; node = this.#store.nextInSubtree(node, root)) {
			yield this.#store.path(node);
		}
	}

	/** All nodes below, at any depth; 0 when there is no such node. Walks them. */
	allChildrenNumber(path: string): number {
		const top = this.#store.find(path);
		if (top === root) return this.size - 1;
		let count = 0;
		if (top !== none) {
			for (let at = this.#store.nextInSubtree(top, top); at !== none; at = this.#store.nextInSubtree(at, top)) count++;
		}
		return count;
	}

	/** The innermost path with a quota that the path is in or at; see quotaExcess() in quota.ts. */
	quotaPrefix(path: string): string | null {
		return this.#quotas.prefixOf(path);
	}

	// --- changing

	/** Applies a transaction. Replaying one that the tree has already is allowed. */
	apply(record: { readonly header: TxnHeader; readonly txn: Txn }, listener?: TreeListener): ApplyResult {
		const zxid = record.header.zxid;
		const result = applyTxn(this, record.header, record.txn, listener);
		if (zxid > this.lastProcessedZxid) this.lastProcessedZxid = zxid;
		return result;
	}

	/** For apply.ts. The error code, or 0. */
	createNode(
		path: string,
		data: Uint8Array | null,
		acl: readonly Acl[],
		ephemeralOwner: bigint,
		parentCversion: number,
		header: TxnHeader,
		listener: TreeListener | undefined,
	): number {
		const parent = this.#store.findParent(path);
		if (parent === none) return errors.noNode.code;
		const existing = this.#store.find(path);
		this.#raiseCversion(parent, parentCversion, header.zxid);
		if (existing !== none) {
			if (this.#word(existing, aclField) === unresolvedAclId) this.#setAcl(existing, acl);
			return errors.nodeExists.code;
		}
		const { zxid, time } = header;
		this.#add(path, parent, data, this.#acls.use(acl), {
			czxid: zxid,
			mzxid: zxid,
			ctime: time,
			mtime: time,
			version: 0,
			cversion: 0,
			aversion: 0,
			ephemeralOwner,
			pzxid: zxid,
		});
		this.#quotas.created(path, data === null ? 0 : data.length);
		if (listener !== undefined) {
			listener.nodeCreated(path);
			listener.childrenChanged(parentPath(path));
		}
		return 0;
	}

	/** For apply.ts. The error code, or 0. */
	deleteNode(path: string, zxid: Zxid, listener: TreeListener | undefined): number {
		const store = this.#store;
		const parent = store.findParent(path);
		if (parent === none) return errors.noNode.code;
		this.#raisePzxid(parent, zxid);
		const node = store.find(path);
		if (node === none || node === root) return errors.noNode.code;
		// In a fuzzy snapshot it can have children of its next life; their creation comes later in the log.
		for (let child = this.#firstLeaf(node); child !== node; child = this.#firstLeaf(node)) {
			this.#remove(child, store.path(child));
		}
		const acl = this.#acl(node);
		const bytes = this.#dataLength(node);
		this.#remove(node, path);
		this.#quotas.deleted(path, bytes);
		if (listener !== undefined) {
			listener.nodeDeleted(path, acl);
			listener.childrenChanged(parentPath(path));
		}
		return 0;
	}

	/** For apply.ts. The error code, or 0. */
	setData(
		path: string,
		data: Uint8Array | null,
		version: number,
		header: TxnHeader,
		listener: TreeListener | undefined,
	): number {
		const node = this.#store.find(path);
		if (node === none) return errors.noNode.code;
		const bytes = this.#dataLength(node);
		this.#replaceData(node, path, data);
		const pages = this.#store.pages;
		const view = pages.viewOf(node);
		const at = pages.byteOffset(node);
		setLong(view, at + mzxidAt, header.zxid);
		setLong(view, at + mtimeAt, header.time);
		view.setInt32(at + versionAt, version);
		this.#redigest(node);
		this.#quotas.dataChanged(path, (data === null ? 0 : data.length) - bytes);
		listener?.dataChanged(path);
		return 0;
	}

	/** For apply.ts. The error code, or 0. */
	setAcl(path: string, acl: readonly Acl[], version: number, listener: TreeListener | undefined): number {
		const node = this.#store.find(path);
		if (node === none) return errors.noNode.code;
		this.#setAcl(node, acl);
		const pages = this.#store.pages;
		pages.touch(node);
		pages.viewOf(node).setInt32(pages.byteOffset(node) + aversionAt, version);
		this.#redigest(node);
		listener?.aclChanged(path);
		return 0;
	}

	/**
	 * The tree as it is now, for a snapshot. Costs a copy of the page table, whatever the size of the tree. Two may be open at a time.
	 * @throws InvariantError when two are open already.
	 */
	freeze(): FrozenTree {
		const { freezes, pages, blobs } = this.#store;
		const epoch = freezes.open();
		const memory = { ...pages.snapshot(), slabs: blobs.snapshot() };
		const facts = {
			zxid: this.lastProcessedZxid,
			digest: this.digest(),
			size: this.size,
			acls: this.#acls.entries(),
		};
		return new FrozenTree(facts, memory, () => {
			const olderOpen = freezes.close(epoch);
			pages.released(epoch, olderOpen);
			blobs.released(epoch, olderOpen);
		});
	}

	// --- loading

	/** An empty tree to be filled from a snapshot: addAcl() for its ACL table, addNode() for its nodes, then finishLoading(). */
	static load(options: DataTreeOptions = {}): DataTree {
		return new DataTree(options, 'none');
	}

	/** A list of the snapshot's ACL table, under its number there. Numbers stay as they are where they fit into 31 bits. */
	addAcl(id: bigint | number, acl: readonly Acl[]): void {
		const loaded = this.#loading();
		const key = BigInt.asIntN(64, BigInt(id));
		if (loaded.has(key)) throw new Error(`the snapshot has ACL number ${key} twice`);
		loaded.set(key, this.#acls.load(Number(key), acl));
	}

	/**
	 * A node of the snapshot; its parent must have been added before. The empty path is the root, as in ZooKeeper's files.
	 * @throws Error naming the path when the parent is missing or the node was added before.
	 */
	addNode(path: string, data: Uint8Array | null, aclRef: bigint | number, stat: StoredStat): void {
		const loaded = this.#loading();
		let aclId = loaded.get(BigInt.asIntN(64, BigInt(aclRef)));
		if (aclId !== undefined) this.#acls.useId(aclId);
		else if (BigInt.asIntN(64, BigInt(aclRef)) === -1n) aclId = openAclId;
		else aclId = unresolvedAclId;
		if (aclId === unresolvedAclId) this.#unresolvedAcls += 1;
		if (path === '' || path === rootPath) {
			if (this.#dataSize > 0) throw new Error('the snapshot has the root twice, or not first');
			this.#fill(root, rootPath, data, aclId, stat);
			return;
		}
		const parent = this.#store.findParent(path);
		if (parent === none) throw new Error(`the snapshot has no parent of ${path} in front of it`);
		if (this.#store.find(path) !== none) throw new Error(`the snapshot has ${path} twice`);
		this.#add(path, parent, data, aclId, stat);
	}

	/** Brings up what is not in the snapshot: quotas and their usage, and nodes that releases before ZooKeeper 3.5 did not have. */
	finishLoading(): this {
		this.#loading();
		this.#loadedAcls = null;
		if (!this.has(configPath) && this.has(zookeeperPath)) this.#addConfigNode();
		this.#quotas.setUp();
		this.#acls.purgeUnused();
		return this;
	}

	// --- private

	#loading(): Map<bigint, number> {
		if (this.#loadedAcls === null) throw new Error('this tree is not being loaded: DataTree.load() makes one that is');
		return this.#loadedAcls;
	}

	#addConfigNode(): void {
		const stat = { ...zeroStat, aversion: -1 };
		this.#add(configPath, this.#store.find(zookeeperPath), noData, this.#acls.use(readAcl), stat);
	}

	#word(node: number, field: number): number {
		return this.#store.pages.word(node, field);
	}

	#dataLength(node: number): number {
		return this.#store.pages.word(node, dataLengthField);
	}

	#data(node: number): Uint8Array | null {
		const view = this.#store.dataView(node);
		return view === null ? null : view.slice();
	}

	#acl(node: number): readonly Acl[] {
		const id = this.#word(node, aclField);
		return id === unresolvedAclId ? unresolvedAcl : this.#acls.get(id);
	}

	#stat(node: number): Stat {
		const stored = readStoredStat(this.#store.pages, node);
		const numChildren = this.#word(node, childCountField);
		return {
			czxid: stored.czxid,
			mzxid: stored.mzxid,
			ctime: stored.ctime,
			mtime: stored.mtime,
			version: stored.version,
			cversion: (stored.cversion * 2 - numChildren) | 0,
			aversion: stored.aversion,
			ephemeralOwner: stored.ephemeralOwner === 0n ? 0n : visibleOwner(stored.ephemeralOwner),
			dataLength: this.#dataLength(node),
			numChildren,
			pzxid: stored.pzxid,
		};
	}

	*#owned(first: number): IterableIterator<string> {
		for (let node = first; node !== none; node = this.#owners.next(node)) yield this.#store.path(node);
	}

	#add(path: string, parent: number, data: Uint8Array | null, aclId: number, stat: StoredStat): void {
		const node = this.#store.insert(path, parent);
		this.#fill(node, path, data, aclId, stat);
		this.#owners.add(node, stat.ephemeralOwner);
	}

	/** Writes all of a record but its links. */
	#fill(node: number, path: string, data: Uint8Array | null, aclId: number, stat: StoredStat): void {
		const pages = this.#store.pages;
		this.#dataSize += path.length;
		pages.setWord(node, aclField, aclId);
		if (isOutsideDigest(path)) pages.setWord(node, nameInfoField, this.#word(node, nameInfoField) | outsideDigestFlag);
		this.#replaceData(node, path, data);
		encodeStat(pages.viewOf(node), pages.byteOffset(node), stat);
		this.#redigest(node);
	}

	#remove(node: number, path: string): void {
		const pages = this.#store.pages;
		this.#digest.remove(this.#word(node, digestField) >>> 0);
		this.#dataSize -= path.length + this.#dataLength(node);
		this.#owners.remove(node, readOwner(pages.viewOf(node), pages.byteOffset(node)));
		this.#releaseAcl(node);
		this.#store.remove(node, path);
	}

	#releaseAcl(node: number): void {
		const id = this.#word(node, aclField);
		if (id === unresolvedAclId) this.#unresolvedAcls -= 1;
		else this.#acls.release(id);
	}

	#setAcl(node: number, acl: readonly Acl[]): void {
		this.#releaseAcl(node);
		this.#store.pages.setWord(node, aclField, this.#acls.use(acl));
	}

	/** Stores the data and its CRC; the record is writable afterwards. */
	#replaceData(node: number, path: string, data: Uint8Array | null): void {
		const length = data === null ? 0 : data.length;
		this.#dataSize += length - this.#dataLength(node);
		this.#store.setData(node, this.#blobFor(path, data), length);
		this.#store.pages.setWord(node, contentCrcField, dataCrc(pathCrc(path), data));
	}

	#blobFor(path: string, data: Uint8Array | null): number {
		if (data === null) return nullBlob;
		if (data.length === 0) return emptyBlob;
		return this.#keepData || path.startsWith(quotaPath) ? this.#store.blobs.store(data) : unkeptBlob;
	}

	/** After any change of the Stat or the content. */
	#redigest(node: number): void {
		if ((this.#word(node, nameInfoField) & outsideDigestFlag) !== 0) return;
		const pages = this.#store.pages;
		const at = pages.byteOffset(node);
		const digest = crc32(pages.bytesOf(node), at, at + statBytes, this.#word(node, contentCrcField) >>> 0);
		this.#digest.remove(this.#word(node, digestField) >>> 0);
		this.#digest.add(digest);
		pages.setWord(node, digestField, digest);
	}

	/** After the creation of a child. Only ever grows, so that a replay leaves what later transactions made of it. */
	#raiseCversion(parent: number, parentCversion: number, zxid: Zxid): void {
		const pages = this.#store.pages;
		const current = pages.viewOf(parent).getInt32(pages.byteOffset(parent) + cversionAt);
		const cversion = parentCversion === -1 ? (current + 1) | 0 : parentCversion;
		// How far ahead, modulo 2^32: behind the largest number the smallest follows (semantics 16).
		if (((cversion - current) | 0) <= 0) return;
		pages.touch(parent);
		const view = pages.viewOf(parent);
		const at = pages.byteOffset(parent);
		view.setInt32(at + cversionAt, cversion);
		setLong(view, at + pzxidAt, zxid);
		this.#redigest(parent);
	}

	#raisePzxid(parent: number, zxid: Zxid): void {
		const pages = this.#store.pages;
		if (zxid <= getLong(pages.viewOf(parent), pages.byteOffset(parent) + pzxidAt)) return;
		pages.touch(parent);
		setLong(pages.viewOf(parent), pages.byteOffset(parent) + pzxidAt, zxid);
		this.#redigest(parent);
	}

	/** Some leaf of the subtree, the node itself when it has no children. */
	#firstLeaf(node: number): number {
		let leaf = node;
		for (let child = this.#word(leaf, firstChildField); child !== none; child = this.#word(leaf, firstChildField)) {
			leaf = child;
		}
		return leaf;
	}
}
