/**
 * The tree of znodes: the state that the committed log is folded into, and all that reads are answered from.
 *
 * Nodes lie in shared memory outside the garbage-collected heap (node-store.ts); strings and Stats are made when somebody asks. A
 * transaction is applied by apply.ts with the four changes below; none of them checks versions, ACLs or paths: a txn is a
 * result, and replaying it over a tree that has it already changes nothing (semantics 64, 78).
 */
import { errors } from '#jute/errors';
import type { Acl, Stat, StoredStat, TxnDigest, TxnHeader } from '#jute/records';
import type { SessionId, Zxid } from '#jute/scalars';
import type { Txn } from '#jute/txn';
import { configPath, parentPath, quotaPath, rootPath, zookeeperPath } from '../model/path.ts';
import { zeroZxid } from '../model/zxid.ts';
import { openAclId } from './acl-cache.ts';
import { applyTxn } from './apply.ts';
import type { ApplyResult, TreeChanges, TreeListener } from './changes.ts';
import { DigestHistory } from './digest-history.ts';
import { FrozenTree } from './frozen-tree.ts';
import {
	aclField,
	childCountField,
	contentCrcField,
	digestField,
	firstChildField,
	nextSiblingField,
} from './node-layout.ts';
import { type NodeStore, none, root } from './node-store.ts';
import { QuotaUsage } from './quota-usage.ts';
import { unresolvedAclId, Znodes } from './znodes.ts';

export interface DataTreeOptions {
	/** false: data is counted (dataLength) and digested, not kept, except below /zookeeper/quota. The mirror's fold. */
	readonly keepData?: boolean;
	/** Any number; keeps clients from choosing paths of equal hash. Nothing else depends on it. */
	readonly hashSeed?: number;
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

export class DataTree implements TreeChanges {
	/** The last transaction that was applied; a loader sets it. */
	lastProcessedZxid: Zxid = zeroZxid;
	/**
	 * It came from a snapshot that may have some of what happened behind its zxid (semantics 78), and no transaction's digest has agreed with it since: until one
	 * does none is expected to.
	 */
	isFuzzy = false;
	readonly digests = new DigestHistory();
	readonly #nodes: Znodes;
	readonly #store: NodeStore;
	readonly #quotas: QuotaUsage;
	/** ACL numbers of the snapshot being loaded and the ones they have here. */
	#loadedAcls: Map<bigint, number> | null = null;
	#recentRef: bigint | number | undefined;
	#recentId = unresolvedAclId;

	/** `none` is what load() starts from; a new tree has the nodes a new ZooKeeper has. */
	constructor(options: DataTreeOptions = {}, nodes: 'initial' | 'none' = 'initial') {
		this.#nodes = new Znodes(options.keepData ?? true, options.hashSeed ?? 0x811c_9dc5);
		this.#store = this.#nodes.store;
		this.#quotas = new QuotaUsage(this.#store, (node, path, data) => this.#nodes.setContent(node, path, data));
		if (nodes === 'none') {
			this.#loadedAcls = new Map();
			return;
		}
		this.#nodes.fill(root, rootPath, noData, openAclId, zeroStat);
		this.#nodes.add(zookeeperPath, root, noData, openAclId, zeroStat);
		this.#nodes.add(quotaPath, this.#store.find(zookeeperPath), noData, openAclId, zeroStat);
		this.#addConfigNode();
	}

	// --- reading

	/** Number of znodes. */
	get size(): number {
		return this.#store.size;
	}

	/** The tree digest, unsigned 64 bits (semantics 76). */
	digest(): bigint {
		return this.#nodes.digest.value();
	}

	/** Characters of all paths plus bytes of all data, as ZooKeeper counts them: the root twice. */
	get approximateDataSize(): number {
		return this.#nodes.dataSize + this.#nodes.dataLength(root);
	}

	/** No node has more bytes of data. */
	get largestData(): number {
		return this.#nodes.largestData;
	}

	get ephemeralCount(): number {
		return this.#nodes.owners.ephemeralCount;
	}

	get containerCount(): number {
		return this.#nodes.owners.containerCount;
	}

	get ttlCount(): number {
		return this.#nodes.owners.ttlCount;
	}

	/** Distinct ACL lists with a number. */
	get aclCount(): number {
		return this.#nodes.acls.size;
	}

	/** Nodes whose ACL a fuzzy snapshot left out; 0 once the log behind it has been replayed. */
	get unresolvedAclCount(): number {
		return this.#nodes.unresolvedAclCount;
	}

	has(path: string): boolean {
		return this.#store.find(path) !== none;
	}

	/** What a client sees; undefined when there is no such node. */
	stat(path: string): Stat | undefined {
		const node = this.#store.find(path);
		return node === none ? undefined : this.#nodes.stat(node);
	}

	storedStat(path: string): StoredStat | undefined {
		const node = this.#store.find(path);
		return node === none ? undefined : this.#nodes.storedStat(node);
	}

	/** A copy; null is a node without data (or whose data is not kept), undefined no node. */
	data(path: string): Uint8Array | null | undefined {
		const node = this.#store.find(path);
		return node === none ? undefined : this.#store.data(node);
	}

	/** Names, in the order of creation. */
	children(path: string): string[] | undefined {
		const parent = this.#store.find(path);
		if (parent === none) return undefined;
		const names: string[] = [];
		let node = this.#nodes.word(parent, firstChildField);
		for (; node !== none; node = this.#nodes.word(node, nextSiblingField)) names.push(this.#store.name(node));
		return names;
	}

	childCount(path: string): number | undefined {
		const node = this.#store.find(path);
		return node === none ? undefined : this.#nodes.word(node, childCountField);
	}

	/** Equal lists are the same object. */
	acl(path: string): readonly Acl[] | undefined {
		const node = this.#store.find(path);
		return node === none ? undefined : this.#nodes.acl(node);
	}

	node(path: string): NodeRecord | undefined {
		const node = this.#store.find(path);
		if (node === none) return undefined;
		return {
			path: node === root ? rootPath : path,
			stat: this.#nodes.storedStat(node),
			acl: this.#nodes.acl(node),
			childCount: this.#nodes.word(node, childCountField),
			dataLength: this.#nodes.dataLength(node),
			contentCrc: this.#nodes.word(node, contentCrcField) >>> 0,
			digest: this.#nodes.word(node, digestField) >>> 0,
		};
	}

	/** In the order of creation. */
	ephemeralsOf(sessionId: SessionId): string[] {
		return [...this.#owned(this.#nodes.owners.firstOf(sessionId))];
	}

	sessionsWithEphemerals(): IterableIterator<SessionId> {
		return this.#nodes.owners.sessions();
	}

	/** The tree may not change during the iteration. */
	containers(): Iterable<string> {
		return this.#owned(this.#nodes.owners.firstContainer());
	}

	/** The tree may not change during the iteration. */
	ttlNodes(): Iterable<string> {
		return this.#owned(this.#nodes.owners.firstTtl());
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
		// ZooKeeper counts the paths that begin with this one and a slash, of which the root's own name is one then.
		if (path === '') return this.size;
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

	/**
	 * After apply(): false when the transaction's digest is not this tree's, unless the tree is fuzzy. With the first one that agrees it is not any more.
	 */
	agrees({ digest, header }: { readonly digest: TxnDigest | null; readonly header: TxnHeader }): boolean {
		if (digest !== null) {
			const isEqual = this.digest() === digest.value;
			if (!isEqual && !this.isFuzzy) return false;
			if (isEqual) this.isFuzzy = false;
		}
		if (!this.isFuzzy) this.digests.reached(header.zxid, this);
		return true;
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
		this.#nodes.raiseCversion(parent, parentCversion, header.zxid);
		if (existing !== none) {
			if (this.#nodes.word(existing, aclField) === unresolvedAclId) this.#nodes.replaceAcl(existing, acl);
			return errors.nodeExists.code;
		}
		const { zxid, time } = header;
		this.#nodes.add(path, parent, data, this.#nodes.acls.use(acl), {
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
		this.#nodes.raisePzxid(parent, zxid);
		const node = store.find(path);
		if (node === none || node === root) return errors.noNode.code;
		// In a fuzzy snapshot it can have children of its next life; their creation comes later in the log.
		for (let child = this.#firstLeaf(node); child !== node; child = this.#firstLeaf(node)) {
			this.#nodes.remove(child, store.path(child));
		}
		const acl = this.#nodes.acl(node);
		const bytes = this.#nodes.dataLength(node);
		this.#nodes.remove(node, path);
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
		const bytes = this.#nodes.dataLength(node);
		this.#nodes.setData(node, path, data, version, header);
		this.#quotas.dataChanged(path, (data === null ? 0 : data.length) - bytes);
		listener?.dataChanged(path);
		return 0;
	}

	/** For apply.ts. The error code, or 0. */
	setAcl(path: string, acl: readonly Acl[], version: number, listener: TreeListener | undefined): number {
		const node = this.#store.find(path);
		if (node === none) return errors.noNode.code;
		this.#nodes.replaceAcl(node, acl);
		this.#nodes.setAversion(node, version);
		listener?.aclChanged(path);
		return 0;
	}

	/**
	 * The tree as it is now, for a snapshot. Costs a copy of the page table, whatever the size of the tree. Two may be open at a time.
	 * @throws InvariantError when two are open already.
	 */
	get canFreeze(): boolean {
		return !this.#store.freezes.isFull;
	}

	freeze(): FrozenTree {
		const { freezes, pages, blobs } = this.#store;
		const epoch = freezes.open();
		const memory = { ...pages.snapshot(), slabs: blobs.snapshot() };
		const facts = {
			zxid: this.lastProcessedZxid,
			digest: this.digest(),
			size: this.size,
			acls: this.#nodes.acls.entries(),
		};
		const frozen = new FrozenTree(facts, memory, () => {
			const olderOpen = freezes.close(epoch);
			pages.released(epoch, olderOpen);
			blobs.released(epoch, olderOpen);
		});
		frozen.isFuzzy = this.isFuzzy;
		return frozen;
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
		loaded.set(key, this.#nodes.acls.load(Number(key), acl));
		this.#recentRef = undefined;
	}

	/**
	 * A node of the snapshot; its parent must have been added before. The empty path is the root, as in ZooKeeper's files.
	 * @throws Error naming the path when the parent is missing or the node was added before.
	 */
	addNode(path: string, data: Uint8Array | null, aclRef: bigint | number, stat: StoredStat): void {
		const loaded = this.#loading();
		const aclId = this.#aclIdOf(loaded, aclRef);
		if (path === '' || path === rootPath) {
			if (this.#nodes.dataSize > 0) throw new Error('the snapshot has the root twice, or not first');
			if (aclId !== unresolvedAclId) this.#nodes.acls.useId(aclId);
			this.#nodes.fill(root, rootPath, data, aclId, stat);
			return;
		}
		const parent = this.#store.findParent(path);
		if (parent === none) throw new Error(`the snapshot has no parent of ${path} in front of it`);
		if (this.#store.find(path) !== none) throw new Error(`the snapshot has ${path} twice`);
		if (aclId !== unresolvedAclId) this.#nodes.acls.useId(aclId);
		this.#nodes.add(path, parent, data, aclId, stat);
	}

	/** Brings up what is not in the snapshot: quotas and their usage, and nodes that releases before ZooKeeper 3.5 did not have. */
	finishLoading(): this {
		this.#loading();
		this.#loadedAcls = null;
		if (!this.has(configPath) && this.has(zookeeperPath)) this.#addConfigNode();
		this.#quotas.setUp();
		this.#nodes.acls.purgeUnused();
		return this;
	}

	// --- private

	#loading(): Map<bigint, number> {
		if (this.#loadedAcls === null) throw new Error('this tree is not being loaded: DataTree.load() makes one that is');
		return this.#loadedAcls;
	}

	/** Most nodes of a snapshot have the same ACL as the one in front of them. */
	#aclIdOf(loaded: ReadonlyMap<bigint, number>, aclRef: bigint | number): number {
		if (aclRef === this.#recentRef) return this.#recentId;
		const key = BigInt.asIntN(64, BigInt(aclRef));
		this.#recentRef = aclRef;
		this.#recentId = loaded.get(key) ?? (key === -1n ? openAclId : unresolvedAclId);
		return this.#recentId;
	}

	#addConfigNode(): void {
		const stat = { ...zeroStat, aversion: -1 };
		this.#nodes.add(configPath, this.#store.find(zookeeperPath), noData, this.#nodes.acls.use(readAcl), stat);
	}

	*#owned(first: number): IterableIterator<string> {
		for (let node = first; node !== none; node = this.#nodes.owners.next(node)) yield this.#store.path(node);
	}

	/** The node itself when it has no children. */
	#firstLeaf(node: number): number {
		let leaf = node;
		for (let child: number; (child = this.#nodes.word(leaf, firstChildField)) !== none; ) leaf = child;
		return leaf;
	}
}
