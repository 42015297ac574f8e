/**
 * The public keys that bearer tokens are checked with: a JSON Web Key Set, fetched when the first token comes, again every few minutes, and when a token names a key
 * that is not in it. While it cannot be fetched the keys that are here stay good for a while: their owner may be away for a moment, and has not taken them back.
 */
import { readFile } from 'node:fs/promises';
import {
	type CryptoKey,
	createLocalJWKSet,
	errors,
	type FlattenedJWSInput,
	type JSONWebKeySet,
	type JWSHeaderParameters,
	type LocalJWKSet,
} from 'jose';
import type { Logger } from '#telemetry/logger';
import { KeysAway } from './token-errors.ts';

export interface TokenKeysOptions {
	/** A URL, or a file. */
	readonly source: string;
	readonly logger: Logger;
	/** Milliseconds that only ever rise. */
	readonly now: () => number;
	readonly times?: Partial<typeof defaultTimes>;
}

const defaultTimes = {
	/** After which they are fetched again, beside the calls. */
	freshMs: 300_000,
	/** After which they are no good any more. */
	goodMs: 3_600_000,
	/** Between two fetches at least: anybody can send tokens that name keys. */
	pauseMs: 5000,
	timeoutMs: 5000,
};
/** Of a key set; the largest that are published have some dozens of keys. */
const longest = 1 << 20;

export class TokenKeys {
	/** Rises when there are other keys: what was checked with the old ones is to be checked again. */
	version = 0;
	readonly #options: TokenKeysOptions;
	readonly #times: typeof defaultTimes;
	#keys: LocalJWKSet | undefined;
	#text = '';
	#fetchedMs = -Infinity;
	#triedMs = -Infinity;
	#fetching: Promise<void> | undefined;
	/** Why the last fetch failed; empty when it did not. */
	#problem = '';

	constructor(options: TokenKeysOptions) {
		this.#options = options;
		this.#times = { ...defaultTimes, ...options.times };
	}

	/** Whether the last attempt to fetch them failed. */
	get isAway(): boolean {
		return this.#problem !== '';
	}

	/** @throws KeysAway, or what jose throws when no key matches, or several do. */
	readonly find = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> => {
		const keys = await this.#current();
		try {
			return await keys(header, token);
		} catch (error) {
			if (!(error instanceof errors.JWKSNoMatchingKey) || !(await this.#fetchAgain())) throw error;
			return this.#keys!(header, token);
		}
	};

	async #current(): Promise<LocalJWKSet> {
		const age = this.#options.now() - this.#fetchedMs;
		if (age > this.#times.freshMs) {
			const fetching = this.#fetch();
			// Good ones need not be waited for.
			if (age > this.#times.goodMs) await fetching;
		}
		if (this.#keys !== undefined && this.#options.now() - this.#fetchedMs <= this.#times.goodMs) return this.#keys;
		throw new KeysAway(this.#problem);
	}

	/**
	 * For a key that is not there. False when it is too soon to ask again.
	 * @throws KeysAway
	 */
	async #fetchAgain(): Promise<boolean> {
		const before = this.#triedMs;
		await this.#fetch();
		if (this.#problem !== '') throw new KeysAway(this.#problem);
		return this.#triedMs !== before;
	}

	/** Never throws: see #problem. At most once at a time, and not too often. */
	#fetch(): Promise<void> {
		if (this.#fetching !== undefined) return this.#fetching;
		const nowMs = this.#options.now();
		if (nowMs - this.#triedMs < this.#times.pauseMs) return Promise.resolve();
		this.#triedMs = nowMs;
		this.#fetching = this.#read()
			.then((text) => this.#take(text))
			.catch((error: unknown) => this.#tell(error as Error))
			.finally(() => {
				this.#fetching = undefined;
			});
		return this.#fetching;
	}

	async #read(): Promise<string> {
		const { source } = this.#options;
		if (!/^https?:\/\//i.test(source)) return readFile(source, 'utf8');
		const response = await fetch(source, {
			headers: { accept: 'application/json, application/jwk-set+json' },
			redirect: 'error',
			signal: AbortSignal.timeout(this.#times.timeoutMs),
		});
		if (response.status !== 200) throw new Error(`the answer is ${response.status} ${response.statusText}`);
		const text = await response.text();
		if (text.length > longest) throw new Error(`the answer has more than ${longest} characters`);
		return text;
	}

	#take(text: string): void {
		if (text !== this.#text) {
			this.#keys = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
			this.#text = text;
			this.version += 1;
		}
		this.#fetchedMs = this.#options.now();
		if (this.#problem !== '') this.#options.logger.info(`the keys of ${this.#options.source} (grpc.jwt.jwks) are back`);
		this.#problem = '';
	}

	#tell(error: Error): void {
		const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
		const problem = `${error.message}${cause}`;
		if (problem === this.#problem) return;
		this.#problem = problem;
		this.#options.logger.warn(`the keys of ${this.#options.source} (grpc.jwt.jwks) cannot be had: ${problem}`);
	}
}
