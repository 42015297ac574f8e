/**
 * The tree as one would write it down on paper, with all it ever was: what it has to be after each transaction if the operations that clients sent are performed one after the
 * other. It knows nothing of how the product does it.
 */
import type { CreateOp, DeleteOp, Op, SetDataOp } from '#core/model/op';
import { noSession, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import { errors } from '#jute/errors';

export interface NaiveNode {
	readonly data: Uint8Array | null;
	readonly version: number;
	/** As it is stored: how many children were created (semantics 16). */
	readonly cversion: number;
	readonly czxid: Zxid;
	readonly mzxid: Zxid;
	readonly pzxid: Zxid;
	readonly owner: SessionId;
	readonly children: readonly string[];
}

/** What a client has to be told: `code` 0, and the node as it then is, or -1 and so on. */
export interface Outcome {
	readonly code: number;
	/** Of a creation. */
	readonly path?: string;
	readonly node?: NaiveNode;
	/** Of a multi, also of one that failed. */
	readonly results?: readonly Outcome[];
}

export type Change = 'data' | 'children';

interface Version {
	readonly zxid: Zxid;
	readonly node: NaiveNode | null;
}

type SingleOp =
	| CreateOp
	| DeleteOp
	| SetDataOp
	| { readonly kind: 'check'; readonly path: string; readonly version: number };

export class NaiveTree {
	readonly #versions = new Map<string, Version[]>();
	/** Of the operation under way, so that a multi can be taken back. */
	#journal: string[] = [];

	constructor() {
		const root = {
			data: null,
			version: 0,
			cversion: 0,
			czxid: zeroZxid,
			mzxid: zeroZxid,
			pzxid: zeroZxid,
			owner: noSession,
		};
		this.#versions.set('/', [{ zxid: zeroZxid, node: { ...root, children: [] } }]);
	}

	/** Null where there is none. */
	at(path: string, zxid: Zxid): NaiveNode | null {
		return this.#versions.get(path)?.findLast((version) => version.zxid <= zxid)?.node ?? null;
	}

	now(path: string): NaiveNode | null {
		return this.#versions.get(path)?.at(-1)?.node ?? null;
	}

	paths(): string[] {
		return [...this.#versions.keys()].filter((path) => this.now(path) !== null);
	}

	/** Whether something happened to it behind `after`, up to `upTo`: to the node itself, or to the list of its children. */
	changed(path: string, what: Change, after: Zxid, upTo: Zxid): boolean {
		const versions = this.#versions.get(path) ?? [];
		return versions.some(({ zxid, node }, index) => {
			if (zxid <= after || zxid > upTo) return false;
			const before = versions[index - 1]?.node ?? null;
			if (node === null || before === null) return true;
			return what === 'data' ? node.mzxid !== before.mzxid : node.children !== before.children;
		});
	}

	ephemeralsOf(owner: SessionId): string[] {
		return this.paths().filter((path) => this.now(path)!.owner === owner);
	}

	perform(op: Op, zxid: Zxid, sessionId: SessionId): Outcome {
		this.#journal = [];
		switch (op.kind) {
			case 'multi': {
				const results: Outcome[] = [];
				for (const each of op.ops) {
					const outcome = this.#performOne(each, zxid, sessionId);
					results.push(outcome);
					if (outcome.code !== 0) return this.#failed(results, op.ops.length);
				}
				return { code: 0, results };
			}
			case 'closeSession':
				for (const path of this.ephemeralsOf(sessionId)) this.#remove(path, zxid);
				return { code: 0 };
			case 'create':
			case 'delete':
			case 'setData':
			case 'check':
				return this.#performOne(op, zxid, sessionId);
			default:
				throw new Error(`no client here sends ${op.kind}`);
		}
	}

	/** All or nothing: those in front of it are not performed, those behind it not looked at (semantics 42). */
	#failed(results: readonly Outcome[], count: number): Outcome {
		for (const path of this.#journal.reverse()) this.#versions.get(path)!.pop();
		const behind = Array.from({ length: count - results.length }, () => ({ code: errors.runtimeInconsistency.code }));
		const inFront = results.slice(0, -1).map(() => ({ code: 0 }));
		const { code } = results.at(-1)!;
		return { code, results: [...inFront, { code }, ...behind] };
	}

	#performOne(op: SingleOp, zxid: Zxid, sessionId: SessionId): Outcome {
		if (op.kind === 'create') return this.#create(op, zxid, sessionId);
		const node = this.now(op.path);
		if (node === null) return { code: errors.noNode.code };
		if (op.version !== -1 && op.version !== node.version) return { code: errors.badVersion.code };
		if (op.kind === 'delete') {
			if (node.children.length > 0) return { code: errors.notEmpty.code };
			this.#remove(op.path, zxid);
		} else if (op.kind === 'setData') {
			const changed = { ...node, data: op.data, version: node.version + 1, mzxid: zxid };
			this.#put(op.path, zxid, changed);
			return { code: 0, node: changed };
		}
		return { code: 0 };
	}

	#create({ path: asked, data, mode }: CreateOp, zxid: Zxid, sessionId: SessionId): Outcome {
		const parentPath = parentOf(asked);
		const parent = this.now(parentPath);
		if (parent === null) return { code: errors.noNode.code };
		const isSequential = mode === 'ephemeralSequential' || mode === 'persistentSequential';
		const path = isSequential ? asked + String(parent.cversion).padStart(10, '0') : asked;
		if (this.now(path) !== null) return { code: errors.nodeExists.code };
		if (parent.owner !== noSession) return { code: errors.noChildrenForEphemerals.code };
		const owner = mode === 'ephemeral' || mode === 'ephemeralSequential' ? sessionId : noSession;
		const node = { data, version: 0, cversion: 0, czxid: zxid, mzxid: zxid, pzxid: zxid, owner, children: [] };
		this.#put(path, zxid, node);
		const children = [...parent.children, nameOf(path)];
		this.#put(parentPath, zxid, { ...parent, cversion: parent.cversion + 1, pzxid: zxid, children });
		return { code: 0, path, node };
	}

	#remove(path: string, zxid: Zxid): void {
		this.#put(path, zxid, null);
		const parent = this.now(parentOf(path))!;
		const children = parent.children.filter((name) => name !== nameOf(path));
		this.#put(parentOf(path), zxid, { ...parent, pzxid: zxid, children });
	}

	#put(path: string, zxid: Zxid, node: NaiveNode | null): void {
		const versions = this.#versions.get(path);
		if (versions === undefined) this.#versions.set(path, [{ zxid, node }]);
		else versions.push({ zxid, node });
		this.#journal.push(path);
	}
}

function parentOf(path: string): string {
	return path.slice(0, path.lastIndexOf('/')) || '/';
}

function nameOf(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1);
}
