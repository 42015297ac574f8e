/** A barrier that somebody sets and removes, and that others wait for. */
import type { Chronokeeper } from '../chronokeeper.ts';
import { NodeExistsError, NoNodeError } from '../errors.ts';
import type { AclOption } from './acl-option.ts';
import { patiently, type WaitOptions } from './patience.ts';

export interface SetBarrierOptions {
	/** It goes with the session that set it; it stays until it is removed when absent. */
	readonly ephemeral?: boolean;
}

/**
 * While the barrier is set, wait() waits.
 *
 * Guarantee: who comes through was at a moment when there was no barrier. It may have been set again since.
 *
 * Fails: WaitTimeoutError, OperationAbortedError. A barrier that nobody removes stays, unless it is ephemeral.
 *
 * Costs: 1 round trip to set, to remove, and to go through when there is none; to wait, 1 watch. A removal wakes all that wait.
 *
 * Layout: the node itself, as Curator's DistributedBarrier and Kazoo's Barrier.
 */
export class Barrier {
	readonly path: string;
	readonly #ck: Chronokeeper;
	readonly #acl: AclOption['acl'];

	constructor(ck: Chronokeeper, path: string, { acl }: AclOption = {}) {
		this.#ck = ck;
		this.#acl = acl;
		this.path = path;
	}

	/** @returns false when it was set already @throws ClientError */
	async set({ ephemeral = false }: SetBarrierOptions = {}): Promise<boolean> {
		const acl = this.#acl;
		for (;;) {
			try {
				await this.#ck.create(this.path, null, { mode: ephemeral ? 'ephemeral' : 'persistent', acl });
				return true;
			} catch (error) {
				if (error instanceof NodeExistsError) return false;
				if (!(error instanceof NoNodeError)) throw error;
			}
			await this.#ck.ensurePath(this.path.slice(0, this.path.lastIndexOf('/')), { mode: 'container', acl });
		}
	}

	/** Without one it does nothing. @throws ClientError */
	async remove(): Promise<void> {
		await this.#ck.delete(this.path, { ifExists: true });
	}

	async isSet(): Promise<boolean> {
		return (await this.#ck.exists(this.path)) !== undefined;
	}

	/** Until there is no barrier. @throws WaitTimeoutError, OperationAbortedError, ClientError */
	wait(options: WaitOptions = {}): Promise<void> {
		return patiently(this.path, options, (signal) => this.#ck.untilDeleted(this.path, { signal }));
	}
}
