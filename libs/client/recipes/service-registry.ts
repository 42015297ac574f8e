/** Services that say where they are, as long as they are. */
import type { Chronokeeper } from '../chronokeeper.ts';
import { BadVersionError, NodeExistsError, NoNodeError } from '../errors.ts';
import type { Patience } from '../submission.ts';
import type { AclOption } from './acl-option.ts';
import { type Health, HealthCheck, type HealthOptions, well } from './health-check.ts';
import { isForLostConnection, overSessions, retryMs } from './over-sessions.ts';
import { orAborted, patiently, type WaitOptions } from './patience.ts';
import { pause } from './pause.ts';
import { encodeInstance, type ServiceInstance } from './service-instance.ts';
import { untilSeen } from './watching.ts';

export const defaultServicesPath = '/services';

/** What can be changed while it is registered. */
export interface InstanceDetails {
	/** An IP address or a host name. */
	readonly address: string;
	readonly port?: number | null;
	readonly sslPort?: number | null;
	/** 1 when absent; 0: no load while others have a weight. */
	readonly weight?: number;
	readonly tags?: readonly string[];
	/** Anything that is JSON: Curator's payload. */
	readonly metadata?: unknown;
	/** False takes it out whatever its health check says: for maintenance. */
	readonly enabled?: boolean;
	/** Curator's template of a URI. */
	readonly uriSpec?: unknown;
}

export interface RegisterOptions extends InstanceDetails, WaitOptions {
	readonly service: string;
	/** Unique within the service; a random one when absent. Who registers an id that is taken takes it over. */
	readonly id?: string;
	/** Takes the instance out while it fails, and puts it back. Checked once before it is registered. */
	readonly health?: HealthOptions;
}

/** Why a registration is over. */
export class RegistrationEndedError extends Error {
	readonly path: string;

	/** @internal */
	constructor(path: string, reason: string) {
		super(`${path} is not registered any more: ${reason}`);
		this.name = 'RegistrationEndedError';
		this.path = path;
	}
}

const longestPauseMs = 5000;

/**
 * Says where services are: a node `<path>/<service>/<id>` for each instance, in the layout and JSON of Curator's ServiceDiscovery, so that Curator's clients find these and
 * these find Curator's.
 *
 * Guarantee: while the registration is open and the client has a session, the node is there, with what was said last: it is written again in every new session, and when somebody deletes it. In a
 * new session it takes the place of what the one before left in one step, so nobody sees it missing. An id belongs to who registered it last: the earlier one's signal is aborted then.
 *
 * Fails: a process that dies, hangs, or is cut off is gone from the registry when its session times out (`sessionTimeoutMs`), not before; who asks an instance must be ready for it to be dead.
 *
 * Costs: 1 write to register, when the parents are there; 1 watch; 1 write for each change of health or details.
 */
export class ServiceRegistry {
	readonly path: string;
	readonly #ck: Chronokeeper;
	readonly #acl: AclOption['acl'];

	/** @param path `/services` when absent */
	constructor(ck: Chronokeeper, path: string = defaultServicesPath, { acl }: AclOption = {}) {
		this.#ck = ck;
		this.#acl = acl;
		this.path = path;
	}

	/** Resolves when it is registered. @throws TypeError for a name that is no name of a node, WaitTimeoutError, OperationAbortedError, ClientError */
	async register(options: RegisterOptions): Promise<Registration> {
		const { service, id = globalThis.crypto.randomUUID(), health, signal, timeoutMs, ...details } = options;
		requireName('service', service);
		requireName('id', id);
		const path = `${this.path}/${service}/${id}`;
		return patiently(path, { signal, timeoutMs }, async (until) => {
			const registration = new Registration(this.#ck, path, instanceOf(service, id, details), health, this.#acl);
			await registration.begin(until);
			return registration;
		});
	}
}

export class Registration implements AsyncDisposable {
	readonly path: string;
	readonly #ck: Chronokeeper;
	readonly #check: HealthCheck | undefined;
	readonly #acl: AclOption['acl'];
	readonly #end = new AbortController();
	/** Sessions that have, or may have, written the node for this registration. */
	readonly #sessions = new Set<bigint>();
	#details: ServiceInstance;
	#health: Health = well;
	/** What the node should have differs from what was written. */
	#isDirty = true;
	#written: { readonly session: bigint; readonly version: number } | undefined;
	#wake: (() => void) | undefined;
	/** Told when the node has what it should, or never will. */
	readonly #waiting = new Set<{ resolve(): void; reject(error: unknown): void }>();
	#isClosing = false;
	#running: Promise<void> | undefined;

	/** @internal */
	constructor(
		ck: Chronokeeper,
		path: string,
		details: ServiceInstance,
		health: HealthOptions | undefined,
		acl: AclOption['acl'],
	) {
		this.#ck = ck;
		this.path = path;
		this.#details = details;
		this.#check = health && new HealthCheck(health);
		this.#acl = acl;
	}

	/** As it is, or is about to be, in its node. */
	get instance(): ServiceInstance {
		const { isWell, problem } = this.#health;
		return { ...this.#details, enabled: this.#details.enabled && isWell, problem };
	}

	/** Aborted when it is not kept any more, with a RegistrationEndedError: it was closed, another one has taken the id, or the client was closed. */
	get signal(): AbortSignal {
		return this.#end.signal;
	}

	/** Resolves when the node has it. What is not named stays as it is. @throws RegistrationEndedError */
	async update(details: Partial<InstanceDetails>): Promise<void> {
		this.#end.signal.throwIfAborted();
		const { service, id, registeredAtMs } = this.#details;
		this.#details = { ...instanceOf(service, id, { ...this.#details, ...details }), registeredAtMs };
		const done = new Promise<void>((resolve, reject) => this.#waiting.add({ resolve, reject }));
		this.#changed();
		await done;
	}

	/** Its node is gone when it resolves. While no server is connected it waits for one; closing the client ends that. */
	async close(): Promise<void> {
		this.#isClosing = true;
		this.#finish('it was closed');
		await this.#running;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	/** @internal */
	async begin(until: AbortSignal): Promise<void> {
		if (this.#check !== undefined) this.#health = await this.#check.first(until);
		until.throwIfAborted();
		const stop = (): void => void this.close().catch(() => {});
		until.addEventListener('abort', stop, { once: true });
		const first = overSessions(this.#ck, () => this.#settle(true), this.#end.signal);
		this.#running = first.then(
			() => this.#keep(),
			async () => {
				this.#finish('it could not be registered');
				// Of what has no answer nobody knows whether it was done.
				if (this.#isClosing) await this.#withdraw();
			},
		);
		try {
			await orAborted(first, until);
		} finally {
			until.removeEventListener('abort', stop);
		}
		void this.#check?.run((health) => {
			this.#health = health;
			this.#changed();
		}, this.#end.signal);
	}

	async #keep(): Promise<void> {
		let pauseMs = 50;
		while (!this.#end.signal.aborted) {
			try {
				const isAsItShould = !this.#isDirty && this.#written !== undefined;
				if (!isAsItShould && !(await this.#settle(false))) {
					this.#finish('another one has registered the id');
					return;
				}
				pauseMs = 50;
				await this.#untilChanged();
			} catch (error) {
				if (this.#ck.state === 'closed') this.#finish('the client is closed');
				else if (!this.#end.signal.aborted && !isForLostConnection(this.#ck, error)) {
					for (const { reject } of this.#waiting) reject(error);
					this.#waiting.clear();
				}
				await pause(pauseMs, this.#end.signal).catch(() => {});
				pauseMs = Math.min(longestPauseMs, 2 * pauseMs);
			}
		}
		if (this.#isClosing) await this.#withdraw();
	}

	/** Makes the node what it should be. @returns false when the id is somebody else's now */
	async #settle(isFirst: boolean): Promise<boolean> {
		for (;;) {
			this.#sessions.add(this.#ck.session.id);
			this.#isDirty = false;
			const waiting = [...this.#waiting];
			try {
				const node = await this.#write(isFirst);
				if (node === 'taken') return false;
				this.#written = node;
			} catch (error) {
				this.#isDirty = true;
				this.#written = undefined;
				// Somebody was faster, or what is to be above it has just gone: look again.
				if (!(error instanceof NoNodeError || error instanceof NodeExistsError || error instanceof BadVersionError))
					throw error;
				if (this.#end.signal.aborted) return true;
				continue;
			}
			for (const one of waiting) {
				this.#waiting.delete(one);
				one.resolve();
			}
			if (!this.#isDirty) return true;
		}
	}

	async #write(isFirst: boolean): Promise<{ session: bigint; version: number } | 'taken'> {
		const ck = this.#ck;
		const data = encodeInstance(this.instance);
		const known = this.#written;
		if (known !== undefined && known.session === ck.session.id) {
			const { stat } = await ck.set(this.path, data, { version: known.version });
			return stat.ephemeralOwner === known.session ? { session: known.session, version: stat.version } : 'taken';
		}
		const there = await ck.exists(this.path, isFirst ? {} : { linearizable: true });
		if (there === undefined) {
			const { stat } = await this.#create(data);
			return { session: stat.ephemeralOwner, version: stat.version };
		}
		const { ephemeralOwner: owner, version } = there;
		if (owner === ck.session.id) {
			const { stat } = await ck.set(this.path, data, { version });
			return { session: stat.ephemeralOwner, version: stat.version };
		}
		if (!isFirst && !this.#sessions.has(owner)) return 'taken';
		// In one step: nobody sees it missing.
		const [, created] = await ck
			.transaction()
			.delete(this.path, { version })
			.create(this.path, data, { mode: 'ephemeral', acl: this.#acl })
			.commit();
		return { session: created!.stat!.ephemeralOwner, version: created!.stat!.version };
	}

	async #create(data: Uint8Array) {
		const acl = this.#acl;
		try {
			return await this.#ck.create(this.path, data, { mode: 'ephemeral', acl });
		} catch (error) {
			if (!(error instanceof NoNodeError)) throw error;
			await this.#ck.ensurePath(this.path.slice(0, this.path.lastIndexOf('/')), { mode: 'container', acl });
			return this.#ck.create(this.path, data, { mode: 'ephemeral', acl });
		}
	}

	/** Until the node is another one or gone, its session is lost, or there is something else to write. What others write into it stays until then. */
	async #untilChanged(): Promise<void> {
		if (this.#isDirty || this.#end.signal.aborted) return;
		const round = new AbortController();
		const wake = (): void => round.abort();
		this.#end.signal.addEventListener('abort', wake, { once: true });
		this.#wake = wake;
		try {
			await untilSeen(this.#ck, async (watch) => ((await this.#isOwn(watch)) ? undefined : true), round.signal);
		} catch (error) {
			if (!round.signal.aborted) throw error;
		} finally {
			this.#wake = undefined;
			this.#end.signal.removeEventListener('abort', wake);
		}
	}

	async #isOwn(watch: () => void): Promise<boolean> {
		const stat = await this.#ck.exists(this.path, { watch });
		const isOwn = stat !== undefined && stat.ephemeralOwner === this.#written?.session;
		this.#written =
			isOwn && stat.ephemeralOwner === this.#ck.session.id
				? { session: stat.ephemeralOwner, version: stat.version }
				: undefined;
		return this.#written !== undefined;
	}

	#changed(): void {
		this.#isDirty = true;
		this.#wake?.();
	}

	/** Deletes the node, if it is this registration's still. */
	async #withdraw(patience: Patience = {}): Promise<void> {
		for (;;) {
			try {
				const stat = await this.#ck.exists(this.path, patience);
				if (stat === undefined || !this.#sessions.has(stat.ephemeralOwner)) return;
				await this.#ck.delete(this.path, { version: stat.version, ifExists: true, ...patience });
				return;
			} catch (error) {
				if (this.#ck.state === 'closed') return;
				if (!(error instanceof BadVersionError || isForLostConnection(this.#ck, error))) throw error;
				await pause(retryMs);
			}
		}
	}

	#finish(reason: string): void {
		if (this.#end.signal.aborted) return;
		const ended = new RegistrationEndedError(this.path, reason);
		this.#end.abort(ended);
		for (const { reject } of this.#waiting) reject(ended);
		this.#waiting.clear();
	}
}

function instanceOf(service: string, id: string, details: InstanceDetails): ServiceInstance {
	const { weight = 1 } = details;
	if (!(weight >= 0 && Number.isFinite(weight))) throw new RangeError(`a weight is a number from 0 on, not ${weight}`);
	return {
		service,
		id,
		address: details.address,
		port: details.port ?? null,
		sslPort: details.sslPort ?? null,
		weight,
		tags: details.tags ?? [],
		metadata: details.metadata ?? null,
		enabled: details.enabled ?? true,
		problem: undefined,
		registeredAtMs: Date.now(),
		uriSpec: details.uriSpec ?? null,
	};
}

function requireName(what: string, name: string): void {
	if (name === '' || name === '.' || name === '..' || name.includes('/'))
		throw new TypeError(`${JSON.stringify(name)} cannot be the ${what} of an instance: it is the name of a node`);
}
