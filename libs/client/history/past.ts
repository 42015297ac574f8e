/** The tree as it was. */
import type { Acl, Stat } from '#proto/chronokeeper/v1/common';
import type { Znode } from '#proto/chronokeeper/v1/history';
import { isBelow } from '../cache/paths.ts';
import { errorOf } from '../errors.ts';
import { type Moment, type MomentFields, momentFields } from './moment.ts';
import { askReplicas, type HistoryGround, streamOfReplicas } from './replicas.ts';

/** A node as it was. */
export interface PastNode {
	readonly path: string;
	/** Null is not the same as empty. Null also where it is `withheld` or `redacted`. */
	readonly data: Uint8Array | null;
	readonly stat: Stat;
	readonly acl: readonly Acl[];
	/** The access control list of then does not let the caller read it. */
	readonly isWithheld: boolean;
	/** Data of this path are kept out of the history (`audit.redact`). */
	readonly isRedacted: boolean;
}

/** The names of children as they were. */
export interface PastChildren {
	/** Names, not paths, by code unit. */
	readonly names: string[];
	readonly stat: Stat;
}

/**
 * Reads of one state of the past; made by `ck.at(moment)`. A time stands for one zxid, the same for all reads. Answered from the history in PostgreSQL: a zxid that has just been written is
 * waited for, up to ten seconds.
 */
export class Past {
	readonly #ground: HistoryGround;
	readonly #moment: MomentFields;
	#zxid: Promise<bigint> | undefined;

	/** @internal */
	constructor(ground: HistoryGround, moment: Moment) {
		this.#ground = ground;
		this.#moment = momentFields(moment);
		if (this.#moment.zxid !== undefined) this.#zxid = Promise.resolve(this.#moment.zxid);
	}

	/** That of the state: of the last transaction that it has, or the one that was asked for. */
	zxid(): Promise<bigint> {
		if (this.#zxid !== undefined) return this.#zxid;
		const asked = this.#ask('/', undefined, this.#moment.timeMs).then(({ zxid }) => zxid);
		// An error is not for ever.
		asked.catch(() => {
			this.#zxid = undefined;
		});
		this.#zxid = asked;
		return asked;
	}

	/** @throws NoNodeError when it was not there */
	async get(path: string): Promise<PastNode> {
		const { znode } = await this.#ask(path, await this.zxid(), undefined);
		if (znode === undefined) throw noNode(path, await this.zxid());
		return pastNode(this.#ground, znode);
	}

	/** Undefined when it was not there. */
	async exists(path: string): Promise<Stat | undefined> {
		return (await this.#ask(path, await this.zxid(), undefined)).znode?.stat;
	}

	/** Whatever is below the children is not read. @throws NoNodeError when the node was not there */
	async children(path: string): Promise<PastChildren> {
		const [zxid, whole] = [await this.zxid(), this.#ground.whole(path)];
		let stat: Stat | undefined;
		const names: string[] = [];
		const responses = streamOfReplicas(this.#ground, (replica, ended) => replica.childrenAt(whole, zxid, ended));
		for await (const response of responses) {
			stat ??= response.stat;
			for (const name of response.children) names.push(name);
		}
		if (stat === undefined) throw noNode(path, zxid);
		return { names: names.sort(), stat };
	}

	/** A node and all that was below it, parents in front of their children; nothing when it was not there. */
	async *tree(path = '/', signal?: AbortSignal): AsyncGenerator<PastNode, void> {
		const zxid = await this.zxid();
		const whole = this.#ground.whole(path);
		for await (const { znodes } of streamOfReplicas(
			this.#ground,
			(replica, ended) => replica.treeAt(zxid, whole, ended),
			signal,
		))
			for (const znode of znodes)
				if (znode.path === whole || isBelow(znode.path, whole)) yield pastNode(this.#ground, znode);
	}

	#ask(path: string, zxid: bigint | undefined, timeMs: bigint | undefined) {
		const whole = this.#ground.whole(path);
		return askReplicas(this.#ground, (replica) => replica.znodeAt(whole, zxid, timeMs));
	}
}

/** @internal */
export function pastNode({ shown }: HistoryGround, znode: Znode): PastNode {
	const { data, acl, withheld, redacted } = znode;
	return {
		path: shown(znode.path),
		data: data ?? null,
		stat: znode.stat!,
		acl,
		isWithheld: withheld,
		isRedacted: redacted,
	};
}

function noNode(path: string, zxid: bigint): Error {
	const detail = { code: -101, name: 'NoNode', path, zxid: 0n, op: undefined, opCodes: [], advice: '', reason: '' };
	return errorOf(detail, `${path}: there was no such node at 0x${zxid.toString(16)}`);
}
