/** The ACLs: each row is what its id says, and belongs to a node. */
import { hash } from 'node:crypto';
import type { Acl } from '#jute/records';
import { aclRow } from '../acl-rows.ts';
import type { Findings } from './findings.ts';
import { aclOf, jsonText, type Row, signed8 } from './rows.ts';

const noAcl: readonly Acl[] = Object.freeze([]);

export class Acls {
	readonly #lists = new Map<bigint, readonly Acl[]>();
	/** From the id that an altered one would have to the one it is known by. */
	readonly #known = new Map<bigint, bigint>();
	readonly #used = new Set<bigint>();
	readonly #findings: Findings;

	constructor(rows: readonly Row[], findings: Findings) {
		this.#findings = findings;
		for (const [id, acl] of rows) {
			const number = signed8(id!);
			const list = listOf(acl!);
			this.#lists.set(number, list);
			const own = hash('sha256', jsonText(acl!), 'buffer').readBigInt64BE(0);
			if (own === number) continue;
			findings.add('acl', `${number}`, null, 'it is not the ACL that its id was made of');
			this.#known.set(aclRow(list).id, number);
		}
	}

	/** Empty when there is none: that is found at the end. */
	list = (id: bigint): readonly Acl[] => {
		this.#used.add(id);
		const list = this.#lists.get(id);
		if (list !== undefined) return list;
		this.#known.set(aclRow(noAcl).id, id);
		return noAcl;
	};

	idOf = (id: bigint): bigint => this.#known.get(id) ?? id;

	use(id: Buffer | null): void {
		if (id !== null) this.#used.add(signed8(id));
	}

	finish(isWhole: boolean): void {
		for (const id of this.#used) if (!this.#lists.has(id)) this.#findings.add('acl', `${id}`, null, 'it is missing');
		if (!isWhole) return;
		for (const id of this.#lists.keys())
			if (!this.#used.has(id)) this.#findings.add('acl', `${id}`, null, 'no node ever had it');
	}
}

/** Of a row that was altered into something that is no ACL: none. */
function listOf(value: Buffer): readonly Acl[] {
	try {
		return aclOf(value);
	} catch {
		return noAcl;
	}
}
