/** One node whose data change by compare-and-set: read, decide, write with the version that was read. */
import type { Stat } from '#proto/chronokeeper/v1/common';
import type { Chronokeeper } from '../chronokeeper.ts';
import { BadVersionError, NodeExistsError, NoNodeError } from '../errors.ts';
import type { Patience } from '../submission.ts';
import type { AclOption } from './acl-option.ts';
import { isForLostConnection, overSessions } from './over-sessions.ts';
import { pause } from './pause.ts';

export interface VersionedData {
	/** Empty when there is no node, and when its data are null. */
	readonly data: Uint8Array;
	/** Undefined when there is no node. */
	readonly stat: Stat | undefined;
}

export interface WrittenData {
	readonly stat: Stat;
	/** The transaction's own. */
	readonly zxid: bigint;
}

const longestPauseMs = 200;
/** The version of a node that is not there. */
export const missing = -1;
const nothing = new Uint8Array(0);

export class VersionedNode {
	readonly #ck: Chronokeeper;
	readonly path: string;
	readonly #acl: AclOption['acl'];

	constructor(ck: Chronokeeper, path: string, acl: AclOption['acl']) {
		this.#ck = ck;
		this.#acl = acl;
		this.path = path;
	}

	/** At least as new as anything that was acknowledged to anybody before. */
	async read(patience: Patience = {}): Promise<VersionedData> {
		try {
			const read = () => this.#ck.get(this.path, { linearizable: true, ...patience });
			const { data, stat } = await overSessions(this.#ck, read, patience.signal);
			return { data: data ?? nothing, stat };
		} catch (error) {
			if (error instanceof NoNodeError) return { data: nothing, stat: undefined };
			throw error;
		}
	}

	/**
	 * Writes if the node has this version still; -1: if there is none, which creates it with its parents.
	 * @returns undefined when it has another one
	 * @throws OutcomeUnknownError, or SessionExpiredError: the answer was lost, and the node has been written since, by this call or by another
	 */
	async writeIf(version: number, data: Uint8Array, patience: Patience = {}): Promise<WrittenData | undefined> {
		try {
			return await this.#tryWrite(version, data, patience);
		} catch (error) {
			if (!isForLostConnection(this.#ck, error)) throw error;
			// The same again: the version can be used up only once, so that when this one succeeds, the first one never will.
			const written = await this.#tryWrite(version, data, patience);
			if (written === undefined) throw error;
			return written;
		}
	}

	/** Whatever version it has; a node that is not there is created, with its parents. */
	async overwrite(data: Uint8Array, patience: Patience = {}): Promise<WrittenData> {
		for (;;) {
			try {
				return await this.#ck.set(this.path, data, patience);
			} catch (error) {
				if (!(error instanceof NoNodeError)) throw error;
			}
			const created = await this.#tryWrite(missing, data, patience);
			if (created !== undefined) return created;
		}
	}

	/**
	 * Reads, asks `change`, writes, until nobody comes between; `change` may so be asked several times, and gives undefined to leave the node as it is.
	 * Who comes second waits a moment that grows and is random, so that many who change one node do not keep each other from it.
	 * @throws what `change` throws; as writeIf()
	 */
	async update(
		change: (before: VersionedData) => Uint8Array | undefined,
		patience: Patience = {},
	): Promise<(WrittenData & { readonly data: Uint8Array }) | undefined> {
		for (let attempts = 0; ; attempts++) {
			patience.signal?.throwIfAborted();
			const before = await this.read(patience);
			const data = change(before);
			if (data === undefined) return undefined;
			const written = await this.writeIf(before.stat?.version ?? missing, data, patience);
			if (written !== undefined) return { ...written, data };
			await pause(Math.random() * Math.min(longestPauseMs, 2 ** attempts), patience.signal);
		}
	}

	async #tryWrite(version: number, data: Uint8Array, patience: Patience): Promise<WrittenData | undefined> {
		try {
			const acl = this.#acl;
			if (version === missing)
				return await this.#ck.create(this.path, data, { parents: true, acl, parentsAcl: acl, ...patience });
			return await this.#ck.set(this.path, data, { version, ...patience });
		} catch (error) {
			// One that was deleted and created again begins with version 0: who has read it as missing, or before, is too late in any case.
			if (error instanceof BadVersionError || error instanceof NodeExistsError || error instanceof NoNodeError)
				return undefined;
			throw error;
		}
	}
}
