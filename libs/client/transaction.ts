/** Several writes as one: all of them or none. */
import type { Acl, Stat } from '#proto/chronokeeper/v1/common';
import type { MultiRequest_Op, MultiResponse } from '#proto/chronokeeper/v1/znode';
import { bytesOf, createModes, type NodeData, type NodeMode, type OperationOptions } from './operations.ts';

export interface TransactionCreateOptions {
	/** Persistent when absent. */
	readonly mode?: NodeMode | undefined;
	/** Open to everybody when absent. */
	readonly acl?: readonly Acl[] | undefined;
	/** For the TTL modes. */
	readonly ttlMs?: number | undefined;
}

/** What one operation gave. */
export interface TransactionResult {
	/** Of the node that it is about; of a sequential one with its digits. */
	readonly path: string;
	/** Right after it; undefined for delete and check. */
	readonly stat: Stat | undefined;
	/** The transaction's own, which all operations share. */
	readonly zxid: bigint;
}

/** How a transaction is sent. @internal */
export interface Committer {
	whole(path: string): string;
	shown(path: string): string;
	multi(ops: MultiRequest_Op[], options: OperationOptions): Promise<MultiResponse>;
}

/** Operations that are done together, each seeing the effects of those before it: `ck.transaction().check('/a', 3).set('/b', 'x').commit()`. */
export class Transaction {
	readonly #committer: Committer;
	readonly #ops: NonNullable<MultiRequest_Op['op']>[] = [];

	/** @internal */
	constructor(committer: Committer) {
		this.#committer = committer;
	}

	/** How many operations it has. */
	get size(): number {
		return this.#ops.length;
	}

	/** Demands that the node is there, with this version of its data where one is given. */
	check(path: string, version = -1): this {
		return this.#add({ $case: 'check', value: { path: this.#committer.whole(path), version } });
	}

	create(path: string, data: NodeData = null, options: TransactionCreateOptions = {}): this {
		const { mode = 'persistent', acl = [], ttlMs = 0 } = options;
		return this.#add({
			$case: 'create',
			value: {
				path: this.#committer.whole(path),
				data: bytesOf(data),
				mode: createModes[mode],
				acl: [...acl],
				ttlMs: BigInt(ttlMs),
			},
		});
	}

	set(path: string, data: NodeData, options: { readonly version?: number | undefined } = {}): this {
		const { version = -1 } = options;
		return this.#add({ $case: 'set', value: { path: this.#committer.whole(path), data: bytesOf(data), version } });
	}

	delete(path: string, options: { readonly version?: number | undefined } = {}): this {
		const { version = -1 } = options;
		return this.#add({ $case: 'delete', value: { path: this.#committer.whole(path), version } });
	}

	/**
	 * @returns a result for each operation, in order
	 * @throws the error of the operation that failed, whose index is `op`; nothing was done then
	 */
	async commit(options: OperationOptions = {}): Promise<TransactionResult[]> {
		const ops = this.#ops.map((op) => ({ op }));
		const { results, zxid } = await this.#committer.multi(ops, options);
		return results.map(({ path, stat }, i) => ({
			path: this.#committer.shown(path === '' ? this.#ops[i]!.value.path : path),
			stat,
			zxid,
		}));
	}

	#add(op: NonNullable<MultiRequest_Op['op']>): this {
		this.#ops.push(op);
		return this;
	}
}
