/** Somebody who makes bearer tokens: keys of several sorts, and the port where their public halves are fetched. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export interface IssuedKey {
	readonly alg: string;
	/** Absent: it has no name. */
	readonly kid: string | undefined;
	readonly privateKey: CryptoKey;
	readonly jwk: JWK;
}

export async function newKey(alg: string, kid?: string): Promise<IssuedKey> {
	const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
	const jwk = await exportJWK(publicKey);
	return { alg, kid, privateKey, jwk: { ...jwk, alg, use: 'sig', ...(kid === undefined ? {} : { kid }) } };
}

export const issuer = 'https://issuer.example';
export const audience = 'chronokeeper';

/** Good for a minute, unless the claims say something else. */
export function token(key: IssuedKey, claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
	const now = Math.floor(Date.now() / 1000);
	const payload = { iss: issuer, aud: audience, sub: 'ann', iat: now, exp: now + 60, ...claims };
	const header = { alg: key.alg, ...(key.kid === undefined ? {} : { kid: key.kid }) };
	return new SignJWT(payload).setProtectedHeader(header).sign(key.privateKey);
}

export class TokenIssuer {
	keys: readonly IssuedKey[];
	/** How often the keys were fetched. */
	fetches = 0;
	/** What is answered instead of the keys. */
	answer: { readonly status: number; readonly body: string; readonly location?: string } | undefined;
	#server: Server;
	#port = 0;

	constructor(...keys: readonly IssuedKey[]) {
		this.keys = keys;
		this.#server = this.#newServer();
	}

	get url(): string {
		return `http://127.0.0.1:${this.#port}/jwks`;
	}

	jwks(): string {
		return JSON.stringify({ keys: this.keys.map(({ jwk }) => jwk) });
	}

	/** At the same port as before, if it was there before. */
	async listen(): Promise<this> {
		if (this.#port !== 0) this.#server = this.#newServer();
		this.#server.listen(this.#port, '127.0.0.1');
		await once(this.#server, 'listening');
		this.#port = (this.#server.address() as AddressInfo).port;
		return this;
	}

	async close(): Promise<void> {
		if (!this.#server.listening) return;
		this.#server.closeAllConnections();
		this.#server.close();
		await once(this.#server, 'close');
	}

	#newServer(): Server {
		return createServer((_request, response) => {
			this.fetches += 1;
			const { status, body, location } = this.answer ?? { status: 200, body: this.jwks() };
			const head = { 'content-type': 'application/json', ...(location === undefined ? {} : { location }) };
			response.writeHead(status, head).end(body);
		});
	}
}
