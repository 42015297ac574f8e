/** What programs are told to do, changed while they run. */

import type { Chronokeeper } from '../chronokeeper.ts';
import { BadVersionError, NodeExistsError, NoNodeError } from '../errors.ts';
import { Listeners } from '../listeners.ts';
import type { NodeWatch } from '../node-watch.ts';
import type { OperationOptions } from '../operations.ts';
import type { AclOption } from './acl-option.ts';
import { type ConfigurationVersion, configurationAt, configurationVersions } from './configuration-history.ts';
import {
	type ConfigurationSnapshot,
	encodeNote,
	encodeValue,
	readConfiguration,
	type Values,
} from './configuration-nodes.ts';
import { isForLostConnection, overSessions } from './over-sessions.ts';
import { pause } from './pause.ts';
import { type Schema, validated } from './standard-schema.ts';

export interface ConfigurationOptions<T> extends AclOption {
	/** A function that returns the values as what they are, or throws; or a schema of zod, valibot, … Its output is what the program sees: defaults may come from it. */
	readonly schema: Schema<T>;
	/** Written when there is no configuration yet. */
	readonly initial?: Values | undefined;
}

/** A configuration as it was at one moment. */
export interface ConfigurationState<T> {
	readonly value: T;
	/** Counts updates, from 0; -1 when there is none. */
	readonly version: number;
	/** It was so at this zxid. */
	readonly zxid: bigint;
}

/** Values by key; undefined takes the key away. */
export type ConfigurationChanges<T> = { readonly [Key in keyof T]?: T[Key] | undefined };

export interface UpdateOptions extends OperationOptions {
	/** Only if it has this version still. */
	readonly ifVersion?: number | undefined;
	/** For those who look at versions(). */
	readonly reason?: string | undefined;
}

/** Somebody else has changed it: its version is not the one that was asked for. */
export class ConfigurationConflictError extends Error {
	readonly path: string;
	readonly version: number;

	/** @internal */
	constructor(path: string, expected: number, version: number) {
		super(`${path} has version ${version}, not ${expected}`);
		this.name = 'ConfigurationConflictError';
		this.path = path;
		this.version = version;
	}
}

const longestPauseMs = 5000;

/**
 * A configuration that many programs read and some change: a node for each key with JSON in it, typed and validated as a whole.
 *
 * Guarantee: what is seen was the configuration at one moment, and valid: never half of an update. An update is one transaction that changes several keys or none, and only what is valid as a
 * whole with what the others have written meanwhile. Every reader sees every update that stays, in order; short-lived ones may be left out.
 *
 * Fails: what somebody writes past this class (a shell) is taken when it is valid; when it is not, `problem` says why and the value stays what it was. While no server can be reached the
 * value stays, too.
 *
 * Costs: 1 watch, and 2 round trips for each change that is heard of; an update 3 round trips. Values are for a megabyte together, not for more.
 */
export class Configuration<T extends object> implements AsyncDisposable {
	readonly path: string;
	readonly #ck: Chronokeeper;
	readonly #schema: Schema<T>;
	readonly #acl: AclOption['acl'];
	readonly #watch: NodeWatch;
	readonly #end = new AbortController();
	readonly #listeners = new Listeners<ConfigurationState<T>>();
	/** Of the snapshot that the state was made of. */
	#text: string | undefined;
	#state: ConfigurationState<T> | undefined;
	#problem: Error | undefined;
	#loading: Promise<void> | undefined;
	#isStale = false;

	private constructor(ck: Chronokeeper, path: string, schema: Schema<T>, acl: AclOption['acl']) {
		this.#ck = ck;
		this.path = path;
		this.#schema = schema;
		this.#acl = acl;
		this.#watch = ck.watch(path, { recursive: true });
	}

	/** Reads it, and follows it until it is closed. @throws InvalidValueError when what is there, or `initial`, is not valid; ClientError */
	static async open<T extends object>(
		ck: Chronokeeper,
		path: string,
		{ schema, initial, acl }: ConfigurationOptions<T>,
	): Promise<Configuration<T>> {
		const configuration = new Configuration(ck, path, schema, acl);
		try {
			await configuration.#begin(initial);
			return configuration;
		} catch (error) {
			await configuration.close();
			throw error;
		}
	}

	/** The last that was valid. */
	get value(): T {
		return this.#state!.value;
	}

	get state(): ConfigurationState<T> {
		return this.#state!;
	}

	/** Why what is there now is not taken; undefined when it is. */
	get problem(): Error | undefined {
		return this.#problem;
	}

	/** Calls the listener at each change from now on. @returns stops it */
	on(listener: (state: ConfigurationState<T>) => void): () => void {
		return this.#listeners.on(listener);
	}

	/** The state of now, and each new one, until the loop is left, the signal fires or the configuration is closed. A slow loop leaves out states between. */
	async *changes(signal?: AbortSignal): AsyncGenerator<ConfigurationState<T>, void> {
		let wake = (): void => {};
		const heard = (): void => wake();
		const stops = [this.on(heard)];
		for (const end of [this.#end.signal, signal]) {
			end?.addEventListener('abort', heard);
			stops.push(() => end?.removeEventListener('abort', heard));
		}
		try {
			let before: ConfigurationState<T> | undefined;
			while (!this.#end.signal.aborted && signal?.aborted !== true) {
				const { state } = this;
				const changed = new Promise<void>((resolve) => {
					wake = resolve;
				});
				if (state === before) await changed;
				else yield (before = state);
			}
		} finally {
			for (const stop of stops) stop();
		}
	}

	/**
	 * Changes some keys, all of them or none, and leaves the others.
	 *
	 * @param changes or what makes them of the values of now; called again when somebody else was faster
	 * @returns the state with the changes in it
	 * @throws InvalidValueError when the whole would not be valid, ConfigurationConflictError, ClientError
	 */
	update(
		changes: ConfigurationChanges<T> | ((value: T) => ConfigurationChanges<T>),
		options: UpdateOptions = {},
	): Promise<ConfigurationState<T>> {
		return this.#commit(async (snapshot) => {
			const made = typeof changes === 'function' ? changes(await validated(this.#schema, snapshot.values)) : changes;
			return { ...snapshot.values, ...made };
		}, options);
	}

	/** The latest updates, the newest first, from the history. @param limit 20 when absent */
	versions(limit = 20): Promise<ConfigurationVersion[]> {
		return configurationVersions(this.#ck, this.path, limit);
	}

	/** Makes it what it was at a version, which is a new update. @throws RangeError for a version that the history does not have; InvalidValueError, ConfigurationConflictError, ClientError */
	async rollback(version: number, options: UpdateOptions = {}): Promise<ConfigurationState<T>> {
		const values = await configurationAt(this.#ck, this.path, version);
		return this.#commit(() => Promise.resolve(values), {
			reason: `rollback to version ${version}`,
			...options,
		});
	}

	/** It is not followed any more; the value stays. */
	async close(): Promise<void> {
		this.#end.abort();
		await this.#watch.return();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #begin(initial: Values | undefined): Promise<void> {
		await this.#watch.ready;
		const snapshot = await overSessions(this.#ck, () => readConfiguration(this.#ck, this.path, { linearizable: true }));
		if (snapshot.root === undefined && initial !== undefined)
			await this.#commit((now) => Promise.resolve(now.root === undefined ? initial : now.values), {
				reason: 'initial values',
			});
		else await this.#take(snapshot);
		if (this.#state === undefined) throw this.#problem!;
		void this.#follow();
	}

	async #follow(): Promise<void> {
		for await (const _ of this.#watch) void this.#load();
	}

	/** One at a time; what happens meanwhile is read by the next. */
	#load(): Promise<void> {
		this.#isStale = true;
		this.#loading ??= this.#loadAll().finally(() => {
			this.#loading = undefined;
		});
		return this.#loading;
	}

	async #loadAll(): Promise<void> {
		let pauseMs = 50;
		while (this.#isStale && !this.#end.signal.aborted) {
			this.#isStale = false;
			try {
				await this.#take(await readConfiguration(this.#ck, this.path));
				pauseMs = 50;
			} catch (error) {
				if (this.#ck.state === 'closed') return;
				if (!isForLostConnection(this.#ck, error)) this.#problem = error as Error;
				this.#isStale = true;
				await pause(pauseMs, this.#end.signal).catch(() => {});
				pauseMs = Math.min(longestPauseMs, 2 * pauseMs);
			}
		}
	}

	async #take(snapshot: ConfigurationSnapshot): Promise<void> {
		const isOld = () => snapshot.zxid < (this.#state?.zxid ?? 0n);
		let value: T;
		try {
			value = await validated(this.#schema, snapshot.values);
		} catch (error) {
			if (!isOld()) this.#problem = error as Error;
			return;
		}
		if (isOld()) return;
		this.#problem = undefined;
		const text = `${snapshot.root?.version} ${JSON.stringify(snapshot.values)}`;
		if (text === this.#text) return;
		this.#text = text;
		const state = { value, version: snapshot.root?.version ?? -1, zxid: snapshot.zxid };
		this.#state = state;
		this.#listeners.tell(state);
	}

	async #commit(
		make: (snapshot: ConfigurationSnapshot) => Promise<Values>,
		{ ifVersion, reason, ...patience }: UpdateOptions,
	): Promise<ConfigurationState<T>> {
		const update = globalThis.crypto.randomUUID();
		for (;;) {
			const snapshot = await overSessions(this.#ck, () =>
				readConfiguration(this.#ck, this.path, { linearizable: true, ...patience }),
			);
			if (snapshot.note?.update === update) return this.#taken(snapshot);
			const version = snapshot.root?.version ?? -1;
			if (ifVersion !== undefined && ifVersion !== version)
				throw new ConfigurationConflictError(this.path, ifVersion, version);
			const values = await make(snapshot);
			await validated(this.#schema, defined(values));
			try {
				const isWritten = await this.#write(snapshot, values, encodeNote({ update, reason }), patience);
				if (!isWritten) return await this.#taken(snapshot);
			} catch (error) {
				// Somebody was faster, or nobody knows: what is there now says which.
				const isLate = [BadVersionError, NodeExistsError, NoNodeError].some((type) => error instanceof type);
				if (!isLate && !isForLostConnection(this.#ck, error)) throw error;
			}
		}
	}

	async #taken(snapshot: ConfigurationSnapshot): Promise<ConfigurationState<T>> {
		await this.#take(snapshot);
		if (this.#problem !== undefined) throw this.#problem;
		return this.state;
	}

	/** @returns false when there is nothing to write */
	async #write(
		{ root, values, versions }: ConfigurationSnapshot,
		wanted: Values,
		note: Uint8Array,
		patience: OperationOptions,
	): Promise<boolean> {
		const acl = this.#acl;
		const transaction = this.#ck.transaction();
		if (root === undefined) {
			const parent = this.path.slice(0, this.path.lastIndexOf('/'));
			if (parent !== '') await this.#ck.ensurePath(parent, { acl, ...patience });
			transaction.create(this.path, note, { acl });
		} else transaction.set(this.path, note, { version: root.version });
		let changed = root === undefined ? 1 : 0;
		for (const [key, version] of versions) {
			const path = `${this.path}/${key}`;
			const value = wanted[key];
			if (value === undefined) transaction.delete(path, { version });
			// What is not changed was a part of what was found valid.
			else if (JSON.stringify(value) === JSON.stringify(values[key])) transaction.check(path, version);
			else transaction.set(path, encodeValue(value), { version });
			if (value === undefined || JSON.stringify(value) !== JSON.stringify(values[key])) changed += 1;
		}
		for (const [key, value] of Object.entries(wanted)) {
			if (value === undefined || versions.has(key)) continue;
			requireKey(key);
			transaction.create(`${this.path}/${key}`, encodeValue(value), { acl });
			changed += 1;
		}
		if (changed === 0) return false;
		await transaction.commit(patience);
		return true;
	}
}

function defined(values: Values): Values {
	return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function requireKey(key: string): void {
	if (key === '' || key === '.' || key === '..' || key.includes('/'))
		throw new TypeError(`${JSON.stringify(key)} cannot be a key: it is the name of a node`);
}
