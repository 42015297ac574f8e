import type { Chronokeeper } from '../chronokeeper.ts';
import { BadVersionError, NodeExistsError, NoNodeError } from '../errors.ts';
import type { AclOption } from './acl-option.ts';
import { ChangeBell } from './change-bell.ts';
import { isForLostConnection } from './over-sessions.ts';
import { orAborted } from './patience.ts';
import { pause } from './pause.ts';

const shortestPauseMs = 50;
const longestPauseMs = 5000;

/**
 * An ephemeral node that is there as long as this process and its connection are: written again in every new session, and when somebody deletes it. Its name must be nobody else's. In a new
 * session it takes the place of what the one before left in one step.
 */
export class KeptNode {
	readonly path: string;
	readonly #ck: Chronokeeper;
	readonly #bell: ChangeBell;
	readonly #end = new AbortController();
	readonly #written: (czxid: bigint) => void;
	readonly #acl: AclOption['acl'];
	#data: Uint8Array;
	#isDirty = false;
	/** Of the node that `written` was told of. */
	#czxid = 0n;
	#waiting: { resolve(): void; reject(error: unknown): void }[] = [];
	#running: Promise<void> | undefined;

	/** @param written called each time that the node was created */
	constructor(
		ck: Chronokeeper,
		path: string,
		data: Uint8Array,
		acl: AclOption['acl'],
		written: (czxid: bigint) => void,
	) {
		this.#ck = ck;
		this.path = path;
		this.#data = data;
		this.#acl = acl;
		this.#written = written;
		this.#bell = new ChangeBell(ck);
	}

	/** Resolves when it is there. When the signal fires before, it will not be. @throws the signal's reason, ClientError */
	async begin(signal: AbortSignal): Promise<void> {
		const first = this.#settle();
		this.#running = first.then(
			() => this.#keep(),
			() => {},
		);
		try {
			await orAborted(first, signal);
		} catch (error) {
			this.close().catch(() => {});
			throw error;
		}
	}

	/** Resolves when the node has them. @throws ClientError when the server refuses them, or the client is closed */
	set(data: Uint8Array): Promise<void> {
		this.#data = data;
		this.#isDirty = true;
		return new Promise((resolve, reject) => {
			this.#waiting.push({ resolve, reject });
			this.#bell.ring();
		});
	}

	/** The node is gone when it resolves, or goes with its session. */
	async close(): Promise<void> {
		this.#end.abort(new Error(`${this.path} is not kept any more`));
		this.#bell.ring();
		await this.#running;
		this.#fail(this.#end.signal.reason);
		const { session } = this.#ck;
		try {
			if (!session.signal.aborted) await this.#ck.delete(this.path, { ifExists: true });
		} catch (error) {
			if (!session.signal.aborted) throw error;
		}
	}

	async #keep(): Promise<void> {
		const { signal } = this.#end;
		let pauseMs = shortestPauseMs;
		while (await this.#bell.rings(signal)) {
			try {
				await this.#settle();
				pauseMs = shortestPauseMs;
			} catch (error) {
				if (this.#ck.state === 'closed') {
					this.#fail(error);
					return;
				}
				if (!isForLostConnection(this.#ck, error)) this.#fail(error);
				await pause(pauseMs, signal).catch(() => {});
				pauseMs = Math.min(longestPauseMs, 2 * pauseMs);
				this.#bell.ring();
			}
		}
	}

	/** Until the node is this session's, has the data of now, and is watched. */
	async #settle(): Promise<void> {
		while (!this.#end.signal.aborted) {
			const waiting = this.#waiting.splice(0);
			try {
				if (await this.#isAsItShould()) {
					for (const { resolve } of waiting) resolve();
					return;
				}
				this.#waiting.unshift(...waiting);
				await this.#write();
			} catch (error) {
				this.#waiting.unshift(...waiting.filter((one) => !this.#waiting.includes(one)));
				const isPassing =
					error instanceof NoNodeError || error instanceof NodeExistsError || error instanceof BadVersionError;
				if (!isPassing && !isForLostConnection(this.#ck, error)) throw error;
				if (!isPassing) await pause(shortestPauseMs, this.#end.signal).catch(() => {});
			}
		}
	}

	async #isAsItShould(): Promise<boolean> {
		const stat = await this.#bell.read(this.path, (watch) => this.#ck.exists(this.path, { watch }));
		if (stat?.ephemeralOwner !== this.#ck.session.id) return false;
		// Not where it is created: the answer to that may be lost.
		if (stat.czxid !== this.#czxid) {
			this.#czxid = stat.czxid;
			this.#written(stat.czxid);
		}
		return !this.#isDirty;
	}

	async #write(): Promise<void> {
		const there = await this.#ck.exists(this.path);
		const data = this.#data;
		this.#isDirty = false;
		try {
			await this.#writeOver(there, data);
		} catch (error) {
			this.#isDirty = true;
			throw error;
		}
	}

	async #writeOver(there: Awaited<ReturnType<Chronokeeper['exists']>>, data: Uint8Array): Promise<void> {
		const acl = this.#acl;
		if (there === undefined) {
			await this.#ck.create(this.path, data, { mode: 'ephemeral', parents: true, acl, parentsAcl: acl });
		} else if (there.ephemeralOwner === this.#ck.session.id) {
			await this.#ck.set(this.path, data);
		} else {
			await this.#ck
				.transaction()
				.delete(this.path, { version: there.version })
				.create(this.path, data, { mode: 'ephemeral', acl })
				.commit();
		}
	}

	#fail(error: unknown): void {
		for (const { reject } of this.#waiting.splice(0)) reject(error);
	}
}
