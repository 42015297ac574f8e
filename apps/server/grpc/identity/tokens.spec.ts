import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Id } from '#jute/records';
import { createLogger } from '#telemetry/logger';
import { audience, type IssuedKey, issuer, newKey, TokenIssuer, token } from '#test/support/token-issuer';
import { KeysAway } from './token-errors.ts';
import { TokenKeys } from './token-keys.ts';
import { type TokenOptions, Tokens } from './tokens.ts';

const sorts = ['RS256', 'PS384', 'ES256', 'ES512', 'EdDSA'] as const;
const keys = new Map<string, IssuedKey>();
let us: TokenIssuer;
let ours: IssuedKey;

beforeAll(async () => {
	for (const alg of sorts) keys.set(alg, await newKey(alg, `the ${alg} key`));
	ours = keys.get('ES256')!;
	us = await new TokenIssuer(...keys.values()).listen();
});
afterAll(() => us.close());

const logger = createLogger({ level: 'silent', format: 'json' });

function tokensOf(source: TokenIssuer, options: Partial<TokenOptions> = {}): Tokens {
	const from = new TokenKeys({ source: source.url, logger, now: () => performance.now() });
	const usual = { issuer, audience, idClaim: 'sub', rolesClaim: '', scheme: 'jwt', clockSkewSeconds: 30 };
	return new Tokens(from, { ...usual, ...options });
}

const seconds = (fromNow: number) => Math.floor(Date.now() / 1000) + fromNow;

describe('a bearer token', () => {
	it.each(sorts)('that is signed with %s says who its owner is', async (alg) => {
		const text = await token(keys.get(alg)!);
		expect(await tokensOf(us).identities(text)).toEqual([{ scheme: 'jwt', id: 'ann' }]);
	});

	it.each<[string, Record<string, unknown>, string]>([
		['has ended', { exp: seconds(-31) }, 'the bearer token has expired'],
		['never ends', { exp: undefined }, 'the bearer token has no claim exp'],
		['is not good yet', { nbf: seconds(45) }, 'the bearer token is not good yet (nbf)'],
		['is from another issuer', { iss: 'x' }, "the bearer token's claim iss is not what grpc.jwt.issuer says"],
		['names no issuer', { iss: undefined }, 'the bearer token has no claim iss'],
		['is for others', { aud: ['x', 'y'] }, "the bearer token's claim aud is not what grpc.jwt.audience says"],
		['is for nobody', { aud: undefined }, 'the bearer token has no claim aud'],
		['names nobody', { sub: undefined }, "the bearer token's claim sub (grpc.jwt.idClaim) is no identity"],
		['has an empty name', { sub: '' }, "the bearer token's claim sub (grpc.jwt.idClaim) is no identity"],
		['names two', { sub: 'ann,digest:bob:x' }, "the bearer token's claim sub (grpc.jwt.idClaim) is no identity"],
		['has a name of lines', { sub: 'ann\nsuper' }, "the bearer token's claim sub (grpc.jwt.idClaim) is no identity"],
	])('that %s is not taken', async (_what, claims, why) => {
		const text = await token(ours, claims);
		await expect(tokensOf(us).identities(text)).rejects.toThrow(why);
	});

	it('is taken while clocks differ by no more than may be', async () => {
		for (const claims of [{ exp: seconds(-10) }, { nbf: seconds(10) }]) {
			const text = await token(ours, claims);
			expect(await tokensOf(us).identities(text)).toHaveLength(1);
			await expect(tokensOf(us, { clockSkewSeconds: 0 }).identities(text)).rejects.toThrow(/expired|not good yet/);
		}
	});

	it('is not taken when somebody else signed it, or nobody did', async () => {
		const tokens = tokensOf(us);
		const forged = await token({ ...(await newKey('ES256')), kid: ours.kid });
		const notSigned = 'the bearer token is not signed with a key of grpc.jwt.jwks';
		await expect(tokens.identities(forged)).rejects.toThrow(notSigned);
		const [head, body, signature] = (await token(ours)).split('.') as [string, string, string];
		const other = Buffer.from(JSON.stringify({ iss: issuer, aud: audience, sub: 'bob', exp: seconds(60) }));
		await expect(tokens.identities(`${head}.${other.toString('base64url')}.${signature}`)).rejects.toThrow(notSigned);
		const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
		await expect(tokens.identities(`${none}.${body}.`)).rejects.toThrow('signed in a way that is not taken');
		for (const garbage of ['x', 'a.b.c', `${head}.${body}`, '', 'é.é.é']) {
			await expect(tokens.identities(garbage)).rejects.toThrow('is no JSON Web Token');
		}
		await expect(tokens.identities('x'.repeat(20_000))).rejects.toThrow('more than 16384 characters');
	});

	it('is not taken when the public key served as a secret', async () => {
		const rsa = await newKey('RS256', 'one');
		const source = await new TokenIssuer(rsa).listen();
		try {
			const publicKey = createPublicKey({ key: rsa.jwk as JsonWebKey, format: 'jwk' });
			const secret = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }));
			const claims = { iss: issuer, aud: audience, sub: 'ann', exp: seconds(60) };
			const signed = new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'one' });
			await expect(tokensOf(source).identities(await signed.sign(secret))).rejects.toThrow(
				'in a way that is not taken',
			);
		} finally {
			await source.close();
		}
	});

	it('may be signed with any of several keys without names', async () => {
		const unnamed = [await newKey('ES256'), await newKey('ES256')] as const;
		const source = await new TokenIssuer(...unnamed).listen();
		try {
			const tokens = tokensOf(source);
			for (const key of unnamed) expect(await tokens.identities(await token(key))).toHaveLength(1);
			const other = token(await newKey('ES256'));
			await expect(tokens.identities(await other)).rejects.toThrow('not signed with a key');
			const ended = token(unnamed[1], { exp: seconds(-60) });
			await expect(tokens.identities(await ended)).rejects.toThrow('has expired');
		} finally {
			await source.close();
		}
	});

	it.each<[unknown, readonly string[] | undefined]>([
		[
			['ops', 'audit'],
			['ops', 'audit'],
		],
		['ops audit', ['ops', 'audit']],
		['', []],
		[undefined, []],
		[[1], undefined],
		[{ ops: true }, undefined],
		[['ops,super:x'], undefined],
		[Array.from({ length: 101 }, (_, index) => `r${index}`), undefined],
	])('has the roles of %j', async (roles, expected) => {
		for (const [rolesClaim, claims] of [
			['roles', { roles }],
			['realm_access.roles', { realm_access: { roles } }],
			['https://example.com/roles', { 'https://example.com/roles': roles }],
		] as const) {
			const answer = tokensOf(us, { rolesClaim, scheme: 'sso' }).identities(await token(ours, claims));
			if (expected === undefined) await expect(answer).rejects.toThrow('is no list of at most 100 roles');
			else {
				const ids: Id[] = expected.map((id) => ({ scheme: 'sso-role', id }));
				expect(await answer).toEqual([{ scheme: 'sso', id: 'ann' }, ...ids]);
			}
		}
	});

	it('is remembered for a while, but not beyond its end, nor beyond its key', async () => {
		const source = await new TokenIssuer(ours).listen();
		try {
			const from = new TokenKeys({ source: source.url, logger, now: () => performance.now(), times: { pauseMs: 0 } });
			const usual = { issuer, audience, idClaim: 'sub', rolesClaim: '', scheme: 'jwt', clockSkewSeconds: 0 };
			const tokens = new Tokens(from, usual);
			const [long, short] = [await token(ours), await token(ours, { exp: seconds(1) })];
			await tokens.identities(long);
			expect(tokens.identities(long)).toEqual([{ scheme: 'jwt', id: 'ann' }]);
			await tokens.identities(short);
			await expect.poll(() => Promise.resolve(tokens.identities(short)).catch(String)).toMatch(/expired/);
			const next = await newKey('ES256', 'the next');
			source.keys = [next];
			await tokens.identities(await token(next));
			await expect(tokens.identities(long)).rejects.toThrow('not signed with a key');
		} finally {
			await source.close();
		}
	});
});

describe('the keys of bearer tokens', () => {
	it('are fetched once for many tokens, and when a token names another one, but not each time', async () => {
		const source = await new TokenIssuer(ours).listen();
		let nowMs = 0;
		try {
			const from = new TokenKeys({ source: source.url, logger, now: () => nowMs });
			const tokens = new Tokens(from, {
				issuer,
				audience,
				idClaim: 'sub',
				rolesClaim: '',
				scheme: 'jwt',
				clockSkewSeconds: 0,
			});
			const some = await Promise.all(['ann', 'bob', 'cem'].map((sub) => token(ours, { sub })));
			await Promise.all(some.map(async (text) => tokens.identities(text)));
			expect(source.fetches).toBe(1);
			const next = await newKey('ES256', 'the next');
			source.keys = [ours, next];
			const text = await token(next);
			await expect(tokens.identities(text)).rejects.toThrow('not signed with a key');
			expect(source.fetches).toBe(1);
			nowMs = 5000;
			expect(await tokens.identities(text)).toHaveLength(1);
			expect(source.fetches).toBe(2);
			for (let i = 0; i < 10; i++) {
				const unknown = token(await newKey('ES256', `unknown ${i}`));
				await expect(tokens.identities(await unknown)).rejects.toThrow('not signed with a key');
			}
			expect(source.fetches).toBe(2);
		} finally {
			await source.close();
		}
	});

	it('that were here stay good while they cannot be fetched, for an hour', async () => {
		const source = await new TokenIssuer(ours).listen();
		let nowMs = 0;
		const said: string[] = [];
		const loud = createLogger({
			level: 'info',
			format: 'json',
			destination: { write: (line) => void said.push(line) },
		});
		try {
			const from = new TokenKeys({ source: source.url, logger: loud, now: () => nowMs });
			const tokens = new Tokens(from, {
				issuer,
				audience,
				idClaim: 'sub',
				rolesClaim: '',
				scheme: 'jwt',
				clockSkewSeconds: 0,
			});
			const ask = async () => tokens.identities(await token(ours, { jti: `${nowMs}` }));
			await ask();
			source.answer = { status: 503, body: 'away' };
			nowMs = 3_500_000;
			expect(await ask()).toHaveLength(1);
			await expect.poll(() => from.isAway).toBe(true);
			nowMs = 3_600_001;
			await expect(ask()).rejects.toThrow(KeysAway);
			nowMs += 5000;
			await expect(ask()).rejects.toThrow(KeysAway);
			source.answer = undefined;
			nowMs += 5000;
			expect(await ask()).toHaveLength(1);
			expect(from.isAway).toBe(false);
			expect(said).toHaveLength(2);
			expect(said[0]).toContain('cannot be had: the answer is 503');
			expect(said[1]).toContain('are back');
		} finally {
			await source.close();
		}
	});

	it('are not looked for elsewhere when who has them says so', async () => {
		const source = await new TokenIssuer().listen();
		source.answer = { status: 302, body: '', location: us.url };
		try {
			await expect(tokensOf(source).identities(await token(ours))).rejects.toThrow(KeysAway);
		} finally {
			await source.close();
		}
	});

	it.each([
		['no JSON', 'x', 200],
		['no key set', '{"keys":1}', 200],
		['an error', '{}', 404],
	])('are away when what is fetched is %s', async (_what, body, status) => {
		const source = await new TokenIssuer(ours).listen();
		source.answer = { status, body };
		try {
			await expect(tokensOf(source).identities(await token(ours))).rejects.toThrow(KeysAway);
			// Nobody can say that a token is bad then.
			await expect(tokensOf(source).identities(await token(await newKey('ES256')))).rejects.toThrow(KeysAway);
		} finally {
			await source.close();
		}
	});
});
