import { nameOf } from '../cache/paths.ts';
import type { Chronokeeper } from '../chronokeeper.ts';
import { BadVersionError, NodeExistsError, NoNodeError } from '../errors.ts';
import type { Patience } from '../submission.ts';
import type { AclOption } from './acl-option.ts';
import { HeldLock, type HeldNode } from './held.ts';
import { createHeldNode } from './held-node.ts';
import { IdSequence, type IdSequenceOptions } from './id-sequence.ts';
import { overSessions } from './over-sessions.ts';
import { orAborted, patiently, type WaitOptions } from './patience.ts';

/** Somebody else has the name. */
export class NameTakenError extends Error {
	readonly taken: string;
	readonly owner: string;

	/** @internal */
	constructor(taken: string, owner: string) {
		super(`the name ${JSON.stringify(taken)} is ${JSON.stringify(owner)}'s`);
		this.name = 'NameTakenError';
		this.taken = taken;
		this.owner = owner;
	}
}

/** A name that is had as long as the session lives, or until it is released. */
export class ClaimedName extends HeldLock {
	readonly name: string;
	readonly owner: string;

	/** @internal */
	constructor(ck: Chronokeeper, node: HeldNode, name: string, owner: string) {
		super(ck, node);
		this.name = name;
		this.owner = owner;
	}
}

/** Who has a name. */
export interface NameOwner {
	readonly owner: string;
	/** Whether it is his for as long as his session lives, and not until he frees it. */
	readonly isClaimed: boolean;
	/** Since when: greater than that of whoever had it before. */
	readonly token: bigint;
}

/**
 * Names that one owner has at a time, and numbers that nobody has twice. An owner is a text: of a machine, of a tenant, of an instance.
 *
 * Guarantee: a name has one owner. claim() is for a session: the name is free when its owner ends; the token of a claim is greater than those of all before. register() is until unregister().
 * newName() and ids() never give the same twice, also when what had it is long gone.
 *
 * Failure: NameTakenError says who has it. A claim is lost with its session: its signal says so. register() may be called again by the same owner, so that nothing is lost when an answer is. An answer
 * to newName() that is lost leaves a name that nobody uses.
 *
 * Cost: a round trip for each call, no watch (a claim whose signal is looked at has one); ids() as IdSequence says. Nodes: `names/<name>` with the owner as data, `ids/<sequence>`.
 */
export class NamingService {
	readonly #ck: Chronokeeper;
	readonly #path: string;
	readonly #acl: AclOption['acl'];

	constructor(ck: Chronokeeper, path: string, { acl }: AclOption = {}) {
		this.#ck = ck;
		this.#path = path;
		this.#acl = acl;
	}

	/** Until it is released, or the session is lost. @throws NameTakenError, also when this client has it already; RangeError for a name with a slash; WaitTimeoutError, OperationAbortedError: then it is not had */
	async claim(name: string, owner: string, options: WaitOptions = {}): Promise<ClaimedName> {
		const path = this.#pathOf(name);
		return patiently(path, options, async (signal) => {
			const claiming = this.#claim(path, name, owner);
			try {
				return await orAborted(claiming, signal);
			} catch (error) {
				// Whoever gives up does not have it.
				if (signal.aborted) void claiming.then((late) => late.release()).catch(() => {});
				throw error;
			}
		});
	}

	/** Until unregister(); nothing when the owner has it already. @throws NameTakenError; RangeError for a name with a slash */
	async register(name: string, owner: string, patience: Patience = {}): Promise<void> {
		const path = this.#pathOf(name);
		for (;;) {
			try {
				await overSessions(
					this.#ck,
					() => this.#ck.create(path, owner, { ...this.#creation, ...patience }),
					patience.signal,
				);
				return;
			} catch (error) {
				if (!(error instanceof NodeExistsError)) throw error;
			}
			const taken = await this.lookUp(name, patience);
			if (taken === undefined) continue;
			if (taken.owner === owner && !taken.isClaimed) return;
			throw new NameTakenError(name, taken.owner);
		}
	}

	/** The name is free. @returns false when it was nobody's @throws NameTakenError when it is another owner's */
	async unregister(name: string, owner: string, patience: Patience = {}): Promise<boolean> {
		const path = this.#pathOf(name);
		for (;;) {
			const taken = await this.#read(path, patience);
			if (taken === undefined) return false;
			if (taken.owner !== owner) throw new NameTakenError(name, taken.owner);
			try {
				await this.#ck.delete(path, { version: taken.version, ...patience });
				return true;
			} catch (error) {
				if (!(error instanceof NoNodeError || error instanceof BadVersionError)) throw error;
			}
		}
	}

	/** Undefined when it is free. */
	async lookUp(name: string, patience: Patience = {}): Promise<NameOwner | undefined> {
		const found = await this.#read(this.#pathOf(name), patience);
		return found && { owner: found.owner, isClaimed: found.isClaimed, token: found.token };
	}

	/** All names that somebody has, by code unit. */
	async names(patience: Patience = {}): Promise<string[]> {
		try {
			const { names } = await this.#ck.children(`${this.#path}/names`, { linearizable: true, ...patience });
			return names;
		} catch (error) {
			if (error instanceof NoNodeError) return [];
			throw error;
		}
	}

	/** Registers a name that nobody had before: the prefix with ten digits behind it. */
	async newName(prefix: string, owner: string, patience: Patience = {}): Promise<string> {
		const options = { mode: 'persistentSequential', ...this.#creation, ...patience } as const;
		const { path } = await this.#ck.create(this.#pathOf(prefix), owner, options);
		return nameOf(path);
	}

	/** Numbers that nobody has twice, of a sequence with this name. */
	ids(sequence: string, options: IdSequenceOptions = {}): IdSequence {
		return new IdSequence(this.#ck, `${this.#path}/ids/${nodeName(sequence)}`, { acl: this.#acl, ...options });
	}

	async #claim(path: string, name: string, owner: string): Promise<ClaimedName> {
		for (;;) {
			const node = await createHeldNode(this.#ck, path, owner, { acl: this.#acl, parents: true });
			if (node !== undefined) return new ClaimedName(this.#ck, node, name, owner);
			const taken = await this.lookUp(name);
			if (taken !== undefined) throw new NameTakenError(name, taken.owner);
		}
	}

	get #creation() {
		return { parents: true, acl: this.#acl, parentsAcl: this.#acl };
	}

	#pathOf(name: string): string {
		return `${this.#path}/names/${nodeName(name)}`;
	}

	async #read(path: string, patience: Patience): Promise<(NameOwner & { readonly version: number }) | undefined> {
		try {
			const { data, stat } = await this.#ck.get(path, { linearizable: true, ...patience });
			const owner = new TextDecoder().decode(data ?? undefined);
			return { owner, isClaimed: stat.ephemeralOwner !== 0n, token: stat.czxid, version: stat.version };
		} catch (error) {
			if (error instanceof NoNodeError) return undefined;
			throw error;
		}
	}
}

function nodeName(name: string): string {
	if (name === '' || name.includes('/')) throw new RangeError(`${JSON.stringify(name)} cannot be the name of a node`);
	return name;
}
