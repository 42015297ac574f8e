/**
 * ACL lists, each kept once and numbered as ZooKeeper numbers them: rising, never used again, forgotten with the last node that
 * refers to them. Equal means the same entries in the same order. Id -1 is world:anyone with all permissions without a reference,
 * which ZooKeeper's own first nodes have.
 */
import { openAcl } from '#jute/acl';
import type { Acl } from '#jute/records';
import { assert } from '../model/assert.ts';

export const openAclId = -1;
/** Ids live in 32-bit words; ZooKeeper's are 64 bits wide, but count distinct lists. */
const maxAclId = 0x7fff_ffff;

interface Entry {
	readonly id: number;
	readonly acl: readonly Acl[];
	readonly key: string;
	references: number;
}

export class AclCache {
	readonly #byId = new Map<number, Entry>();
	readonly #byKey = new Map<string, Entry>();
	#lastId = 0;
	/** The list that was used last is mostly the next one as well. */
	#recent: Entry | undefined;
	#open: Entry | undefined;

	/** Distinct lists with a number. */
	get size(): number {
		return this.#byId.size;
	}

	/** The number of the list; the caller holds one reference more. */
	use(acl: readonly Acl[]): number {
		const recent = acl === openAcl ? this.#open : this.#recent;
		if (recent !== undefined && (recent.acl === acl || sameAcl(recent.acl, acl))) {
			recent.references += 1;
			return recent.id;
		}
		const key = keyOf(acl);
		let entry = this.#byKey.get(key);
		if (entry === undefined) entry = this.#add(this.#lastId + 1, acl, key);
		entry.references += 1;
		if (acl === openAcl) this.#open = entry;
		else this.#recent = entry;
		return entry.id;
	}

	/** One reference more to a list that has a number already. */
	useId(id: number): void {
		if (id === openAclId) return;
		this.#entry(id).references += 1;
	}

	/** One reference less. */
	release(id: number): void {
		if (id === openAclId) return;
		const entry = this.#entry(id);
		entry.references -= 1;
		if (entry.references <= 0) this.#forget(entry);
	}

	get(id: number): readonly Acl[] {
		return id === openAclId ? openAcl : this.#entry(id).acl;
	}

	has(id: number): boolean {
		return id === openAclId || this.#byId.has(id);
	}

	/** A list of a snapshot under its own number, without a reference yet. Returns the number it has here. */
	load(id: number, acl: readonly Acl[]): number {
		if (!Number.isInteger(id) || id <= 0 || id > maxAclId) {
			throw new RangeError(`ACL number ${id} of the snapshot is outside 1..${maxAclId}`);
		}
		const key = keyOf(acl);
		const known = this.#byKey.get(key);
		if (known !== undefined) return known.id;
		return this.#add(id, acl, key).id;
	}

	/** Forgets lists without a reference: a fuzzy snapshot can have some. */
	purgeUnused(): void {
		for (const entry of [...this.#byId.values()]) if (entry.references <= 0) this.#forget(entry);
	}

	/** Numbers and lists, in the order of first use. */
	entries(): [number, readonly Acl[]][] {
		return Array.from(this.#byId.values(), (entry) => [entry.id, entry.acl]);
	}

	#entry(id: number): Entry {
		const entry = this.#byId.get(id);
		assert(entry !== undefined, `ACL number ${id} of a node is known`);
		return entry;
	}

	#add(id: number, acl: readonly Acl[], key: string): Entry {
		assert(id <= maxAclId, 'ACL numbers fit into 31 bits');
		const entry: Entry = { id, acl: acl === openAcl ? openAcl : Object.freeze(acl.slice()), key, references: 0 };
		this.#byId.set(id, entry);
		this.#byKey.set(key, entry);
		if (id > this.#lastId) this.#lastId = id;
		return entry;
	}

	#forget(entry: Entry): void {
		this.#byId.delete(entry.id);
		this.#byKey.delete(entry.key);
		if (this.#recent === entry) this.#recent = undefined;
		if (this.#open === entry) this.#open = undefined;
	}
}

function sameAcl(a: readonly Acl[], b: readonly Acl[]): boolean {
	if (a.length !== b.length) return false;
	for (let i = 0; i < a.length; i++) {
		const left = a[i]!;
		const right = b[i]!;
		if (left.perms !== right.perms || left.id !== right.id || left.scheme !== right.scheme) return false;
	}
	return true;
}

/** Unambiguous whatever the strings contain. */
function keyOf(acl: readonly Acl[]): string {
	let key = '';
	for (const entry of acl)
		key += `${entry.perms},${entry.scheme.length},${entry.scheme},${entry.id.length},${entry.id};`;
	return key;
}
