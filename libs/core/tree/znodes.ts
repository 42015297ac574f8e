/**
 * Nodes with all that ZooKeeper knows of one: Stat, data, ACL, owner, digest. Every change keeps the sums over the whole tree right
 * (digest, data size, counts); which change to make is decided in data-tree.ts. Nodes are numbers, as in node-store.ts.
 */
import { crc32 } from '#jute/crc32';
import type { Acl, Stat, StoredStat, TxnHeader } from '#jute/records';
import type { Zxid } from '#jute/scalars';
import { isOutsideDigest, quotaPath } from '../model/path.ts';
import { AclCache } from './acl-cache.ts';
import { emptyBlob, nullBlob, unkeptBlob } from './blob-store.ts';
import { dataCrc, encodeStat, getLong, pathCrc, setLong, statBytes, TreeDigest } from './digest.ts';
import {
	aclField,
	aversionAt,
	childCountField,
	contentCrcField,
	cversionAt,
	dataLengthField,
	digestField,
	mtimeAt,
	mzxidAt,
	nameInfoField,
	outsideDigestFlag,
	pzxidAt,
	versionAt,
} from './node-layout.ts';
import { readOwner, readStoredStat } from './node-reader.ts';
import { NodeStore } from './node-store.ts';
import { Owners, visibleOwner } from './owners.ts';

/** A node's ACL number that a fuzzy snapshot does not explain; the replay of the node's creation brings the list. */
export const unresolvedAclId = 0;
/** Until then nobody but super has any permission. */
const unresolvedAcl: readonly Acl[] = Object.freeze([{ perms: 0, scheme: 'world', id: 'anyone' }]);

export class Znodes {
	readonly store: NodeStore;
	readonly owners: Owners;
	readonly acls = new AclCache();
	readonly digest = new TreeDigest();
	readonly #keepData: boolean;
	#dataSize = 0;
	#largestData = 0;
	#unresolvedAcls = 0;

	constructor(keepData: boolean, hashSeed: number) {
		this.#keepData = keepData;
		this.store = new NodeStore(hashSeed);
		this.owners = new Owners(this.store.pages);
	}

	/** Characters of all paths plus bytes of all data. */
	get dataSize(): number {
		return this.#dataSize;
	}

	/** Bytes of the largest data that any node has had here: none has more. */
	get largestData(): number {
		return this.#largestData;
	}

	get unresolvedAclCount(): number {
		return this.#unresolvedAcls;
	}

	word(node: number, field: number): number {
		return this.store.pages.word(node, field);
	}

	dataLength(node: number): number {
		return this.store.pages.word(node, dataLengthField);
	}

	acl(node: number): readonly Acl[] {
		const id = this.word(node, aclField);
		return id === unresolvedAclId ? unresolvedAcl : this.acls.get(id);
	}

	storedStat(node: number): StoredStat {
		return readStoredStat(this.store.pages, node);
	}

	/** What clients see (semantics 22, 23, 27). */
	stat(node: number): Stat {
		const stored = readStoredStat(this.store.pages, node);
		const numChildren = this.word(node, childCountField);
		return {
			czxid: stored.czxid,
			mzxid: stored.mzxid,
			ctime: stored.ctime,
			mtime: stored.mtime,
			version: stored.version,
			cversion: (stored.cversion * 2 - numChildren) | 0,
			aversion: stored.aversion,
			ephemeralOwner: stored.ephemeralOwner === 0n ? 0n : visibleOwner(stored.ephemeralOwner),
			dataLength: this.dataLength(node),
			numChildren,
			pzxid: stored.pzxid,
		};
	}

	/** A new node below `parent`; the ACL's reference is the node's from now on. */
	add(path: string, parent: number, data: Uint8Array | null, aclId: number, stat: StoredStat): void {
		const node = this.store.insert(path, parent);
		this.fill(node, path, data, aclId, stat);
		this.owners.add(node, stat.ephemeralOwner);
	}

	/** Writes all of a new record but its links. */
	fill(node: number, path: string, data: Uint8Array | null, aclId: number, stat: StoredStat): void {
		const pages = this.store.pages;
		this.#dataSize += path.length;
		pages.setWord(node, aclField, aclId);
		if (aclId === unresolvedAclId) this.#unresolvedAcls += 1;
		if (isOutsideDigest(path)) pages.setWord(node, nameInfoField, this.word(node, nameInfoField) | outsideDigestFlag);
		this.setContent(node, path, data);
		encodeStat(pages.viewOf(node), pages.byteOffset(node), stat);
		this.#redigest(node);
	}

	/** Removes a node without children. */
	remove(node: number, path: string): void {
		const pages = this.store.pages;
		this.digest.remove(this.word(node, digestField) >>> 0);
		this.#dataSize -= path.length + this.dataLength(node);
		this.owners.remove(node, readOwner(pages.viewOf(node), pages.byteOffset(node)));
		this.#releaseAcl(node);
		this.store.remove(node, path);
	}

	/** setData as a transaction does it (semantics 25). */
	setData(node: number, path: string, data: Uint8Array | null, version: number, { zxid, time }: TxnHeader): void {
		this.setContent(node, path, data);
		const pages = this.store.pages;
		const view = pages.viewOf(node);
		const at = pages.byteOffset(node);
		setLong(view, at + mzxidAt, zxid);
		setLong(view, at + mtimeAt, time);
		view.setInt32(at + versionAt, version);
		this.#redigest(node);
	}

	/** Data and its CRC alone. The record is writable afterwards; the caller brings the digest up to date. */
	setContent(node: number, path: string, data: Uint8Array | null): void {
		const length = data === null ? 0 : data.length;
		this.#dataSize += length - this.dataLength(node);
		if (length > this.#largestData) this.#largestData = length;
		this.store.setData(node, this.#blobFor(path, data), length);
		this.store.pages.setWord(node, contentCrcField, dataCrc(pathCrc(path), data));
	}

	/** The list alone. */
	replaceAcl(node: number, acl: readonly Acl[]): void {
		this.#releaseAcl(node);
		this.store.pages.setWord(node, aclField, this.acls.use(acl));
	}

	setAversion(node: number, aversion: number): void {
		const pages = this.store.pages;
		pages.touch(node);
		pages.viewOf(node).setInt32(pages.byteOffset(node) + aversionAt, aversion);
		this.#redigest(node);
	}

	/** After the creation of a child; -1: one more. Only ever grows, so that a replay leaves what later transactions made of it. */
	raiseCversion(node: number, parentCversion: number, zxid: Zxid): void {
		const pages = this.store.pages;
		const current = pages.viewOf(node).getInt32(pages.byteOffset(node) + cversionAt);
		const cversion = parentCversion === -1 ? (current + 1) | 0 : parentCversion;
		// How far ahead, modulo 2^32: behind the largest number the smallest follows (semantics 16).
		if (((cversion - current) | 0) <= 0) return;
		pages.touch(node);
		const view = pages.viewOf(node);
		const at = pages.byteOffset(node);
		view.setInt32(at + cversionAt, cversion);
		setLong(view, at + pzxidAt, zxid);
		this.#redigest(node);
	}

	/** After the deletion of a child. Only ever grows. */
	raisePzxid(node: number, zxid: Zxid): void {
		const pages = this.store.pages;
		if (zxid <= getLong(pages.viewOf(node), pages.byteOffset(node) + pzxidAt)) return;
		pages.touch(node);
		setLong(pages.viewOf(node), pages.byteOffset(node) + pzxidAt, zxid);
		this.#redigest(node);
	}

	#blobFor(path: string, data: Uint8Array | null): number {
		if (data === null) return nullBlob;
		if (data.length === 0) return emptyBlob;
		return this.#keepData || path.startsWith(quotaPath) ? this.store.blobs.store(data) : unkeptBlob;
	}

	#releaseAcl(node: number): void {
		const id = this.word(node, aclField);
		if (id === unresolvedAclId) this.#unresolvedAcls -= 1;
		else this.acls.release(id);
	}

	/** After any change of the Stat or the content. */
	#redigest(node: number): void {
		if ((this.word(node, nameInfoField) & outsideDigestFlag) !== 0) return;
		const pages = this.store.pages;
		const at = pages.byteOffset(node);
		const digest = crc32(pages.bytesOf(node), at, at + statBytes, this.word(node, contentCrcField) >>> 0);
		this.digest.remove(this.word(node, digestField) >>> 0);
		this.digest.add(digest);
		pages.setWord(node, digestField, digest);
	}
}
