/** Bearer tokens: JSON Web Tokens, signed with a key of the set that the configuration names. What is said of a bad one never repeats anything of it. */
import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { roleSuffix } from '#core/tree/acl-check';
import type { Id } from '#jute/records';
import { BadToken, KeysAway } from './token-errors.ts';
import type { TokenKeys } from './token-keys.ts';

export interface TokenOptions {
	readonly issuer: string;
	readonly audience: string;
	readonly idClaim: string;
	/** Empty: there are no roles. */
	readonly rolesClaim: string;
	/** Of the identities. */
	readonly scheme: string;
	readonly clockSkewSeconds: number;
}

interface Checked {
	readonly identities: readonly Id[];
	/** Milliseconds since 1970. */
	readonly untilMs: number;
	/** Of the keys. */
	readonly version: number;
}

/** With a public key only: with a shared secret, who can check a token could make one. */
const algorithms = [
	'RS256',
	'RS384',
	'RS512',
	'PS256',
	'PS384',
	'PS512',
	'ES256',
	'ES384',
	'ES512',
	'EdDSA',
	'Ed25519',
];
/** A key that is taken back is seen within this time, and the time of a refresh of the keys. */
const rememberedMs = 60_000;
const rememberedTokens = 10_000;
const longestToken = 16_384;
const longestId = 1024;
const mostRoles = 100;

export class Tokens {
	readonly #keys: TokenKeys;
	readonly #options: TokenOptions;
	readonly #verifyOptions: JWTVerifyOptions;
	/** The oldest first. */
	readonly #checked = new Map<string, Checked>();

	constructor(keys: TokenKeys, options: TokenOptions) {
		this.#keys = keys;
		this.#options = options;
		this.#verifyOptions = {
			algorithms,
			issuer: options.issuer,
			audience: options.audience,
			clockTolerance: options.clockSkewSeconds,
			requiredClaims: ['exp'],
		};
	}

	/**
	 * The owner of the token, at once if it was seen a moment ago.
	 * @throws BadToken, KeysAway
	 */
	identities(token: string): readonly Id[] | Promise<readonly Id[]> {
		const known = this.#checked.get(token);
		if (known !== undefined && known.version === this.#keys.version && Date.now() < known.untilMs) {
			return known.identities;
		}
		return this.#check(token);
	}

	async #check(token: string): Promise<readonly Id[]> {
		this.#checked.delete(token);
		if (token.length > longestToken) throw new BadToken(`the bearer token has more than ${longestToken} characters`);
		// The keys may change meanwhile: then it has to be checked with the new ones. The first ones are those that it waits for.
		const version = Math.max(1, this.#keys.version);
		const payload = await this.#verify(token);
		const identities = this.#identitiesOf(payload);
		const endMs = (payload.exp! + this.#options.clockSkewSeconds) * 1000;
		const untilMs = Math.min(endMs, Date.now() + rememberedMs);
		if (this.#checked.size >= rememberedTokens) this.#checked.delete(this.#checked.keys().next().value!);
		this.#checked.set(token, { identities, untilMs, version });
		return identities;
	}

	async #verify(token: string): Promise<JWTPayload> {
		try {
			return (await jwtVerify(token, this.#keys.find, this.#verifyOptions)).payload;
		} catch (error) {
			if (error instanceof errors.JWKSMultipleMatchingKeys) return this.#verifyWithAny(token, error);
			throw this.#problem(error);
		}
	}

	/** It does not say which key it was. */
	async #verifyWithAny(token: string, matching: errors.JWKSMultipleMatchingKeys): Promise<JWTPayload> {
		for await (const key of matching) {
			try {
				return (await jwtVerify(token, key, this.#verifyOptions)).payload;
			} catch (error) {
				if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw this.#problem(error);
			}
		}
		throw this.#problem(new errors.JWSSignatureVerificationFailed());
	}

	#problem(error: unknown): Error {
		if (error instanceof KeysAway) return error;
		if (error instanceof errors.JWTExpired) return new BadToken('the bearer token has expired');
		if (error instanceof errors.JWTClaimValidationFailed) return new BadToken(this.#claimProblem(error));
		if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey) {
			return new BadToken('the bearer token is not signed with a key of grpc.jwt.jwks');
		}
		if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
			return new BadToken(`the bearer token is signed in a way that is not taken: ${algorithms.join(', ')} are`);
		}
		return new BadToken('the bearer token is no JSON Web Token that can be checked');
	}

	#claimProblem({ claim, reason }: errors.JWTClaimValidationFailed): string {
		if (claim === 'nbf') return 'the bearer token is not good yet (nbf)';
		if (reason === 'missing') return `the bearer token has no claim ${claim}`;
		const keys: Readonly<Record<string, string>> = { iss: 'grpc.jwt.issuer', aud: 'grpc.jwt.audience' };
		const key = keys[claim];
		return key === undefined
			? `the bearer token's claim ${claim} is no good`
			: `the bearer token's claim ${claim} is not what ${key} says`;
	}

	#identitiesOf(payload: JWTPayload): readonly Id[] {
		const { idClaim, rolesClaim, scheme } = this.#options;
		const id = claimOf(payload, idClaim);
		if (typeof id !== 'string' || !isUsable(id)) {
			throw new BadToken(`the bearer token's claim ${idClaim} (grpc.jwt.idClaim) is no identity`);
		}
		const roles = rolesClaim === '' ? [] : words(claimOf(payload, rolesClaim));
		if (roles === undefined) {
			throw new BadToken(
				`the bearer token's claim ${rolesClaim} (grpc.jwt.rolesClaim) is no list of at most ${mostRoles} roles`,
			);
		}
		return [{ scheme, id }, ...roles.map((role) => ({ scheme: `${scheme}${roleSuffix}`, id: role }))];
	}
}

/** The claim of that name, or, where dots lead to it, the one within others. */
function claimOf(payload: JWTPayload, name: string): unknown {
	if (Object.hasOwn(payload, name)) return payload[name];
	let value: unknown = payload;
	for (const part of name.split('.')) {
		if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
		value = (value as Record<string, unknown>)[part];
	}
	return value;
}

/** A list, or words with spaces between them; none where there is no claim. */
function words(claim: unknown): readonly string[] | undefined {
	if (claim === undefined) return [];
	const list: unknown = typeof claim === 'string' ? claim.split(' ').filter((word) => word !== '') : claim;
	if (!Array.isArray(list) || list.length > mostRoles) return undefined;
	return list.every((word): word is string => typeof word === 'string' && isUsable(word)) ? list : undefined;
}

/** What would look like several identities where they stand in a row, in the audit, is none. */
function isUsable(id: string): boolean {
	return id !== '' && id.length <= longestId && !/\p{Cc}|,[a-z][a-z0-9-]*:/u.test(id);
}
