/**
 * Who calls: the address is the `ip` identity, a good certificate is the `x509` identity of its subject, and `authorization` adds what its credentials prove:
 * `Basic` what ZooKeeper's `addauth digest` would, `Bearer` the owner of the token and its roles.
 */
import { authenticate } from '#core/chain/auth';
import type { Caller } from '#core/model/op';
import { zeroZxid } from '#core/model/zxid';
import { errors } from '#jute/errors';
import type { Id } from '#jute/records';
import type { CallHead } from '../grpc-call.ts';
import { ZooKeeperError } from '../grpc-error.ts';
import { refusal } from '../refusals.ts';
import { Certificates } from './certificates.ts';
import { BadToken, KeysAway } from './token-errors.ts';
import type { Tokens } from './tokens.ts';

export interface DigestOptions {
	readonly enabled: boolean;
	readonly superDigest: string | null;
}

export interface CallerOptions {
	/** Absent: tokens are not taken. */
	readonly tokens?: Tokens | undefined;
	/** The subject that is `super`; empty: none is. */
	readonly x509SuperUser?: string;
}

export class Callers {
	readonly #certificates: Certificates;

	constructor(
		private readonly digest: DigestOptions,
		private readonly options: CallerOptions = {},
	) {
		this.#certificates = new Certificates(options.x509SuperUser ?? '');
	}

	/**
	 * At once unless the credentials are a token that was not seen before.
	 * @throws RpcException for credentials that are no good, or that cannot be checked now. A promise rejects with it.
	 */
	of(call: CallHead): Caller | Promise<Caller> {
		const address = withoutMapping(call.getPeer());
		const identities: readonly Id[] = [{ scheme: 'ip', id: host(address) }, ...this.#certificates.identitiesOf(call)];
		const [authorization] = call.metadata.get('authorization');
		if (authorization === undefined) return { door: 'grpc', identities, address };
		const proved = this.#credentials(String(authorization).trim());
		const caller = (more: readonly Id[]): Caller => ({ door: 'grpc', identities: [...identities, ...more], address });
		return proved instanceof Promise ? proved.then(caller) : caller(proved);
	}

	#credentials(authorization: string): readonly Id[] | Promise<readonly Id[]> {
		const bearer = /^bearer\s+(\S+)$/i.exec(authorization);
		if (bearer !== null && this.options.tokens !== undefined) return this.#token(bearer[1]!, this.options.tokens);
		const { enabled, superDigest } = this.digest;
		const basic = /^basic\s+([A-Za-z0-9+/=_-]+)$/i.exec(authorization);
		const identities =
			basic === null || !enabled ? undefined : authenticate('digest', Buffer.from(basic[1]!, 'base64'), superDigest);
		if (identities !== undefined) return identities;
		throw authFailed(
			bearer === null ? this.#whatIsTaken(basic !== null) : 'bearer tokens are not taken here (grpc.jwt.jwks)',
		);
	}

	#token(token: string, tokens: Tokens): readonly Id[] | Promise<readonly Id[]> {
		const identities = tokens.identities(token);
		if (!(identities instanceof Promise)) return identities;
		return identities.catch((error: unknown) => {
			if (error instanceof BadToken) throw authFailed(error.message);
			if (!(error instanceof KeysAway)) throw error;
			throw refusal('KEYS_AWAY', 'the bearer token cannot be checked now: the keys of grpc.jwt.jwks cannot be had');
		});
	}

	#whatIsTaken(isBasic: boolean): string {
		if (isBasic && !this.digest.enabled) {
			return 'the digest scheme is switched off (DigestAuthenticationProvider.enabled)';
		}
		const basic = this.digest.enabled ? ['`Basic base64(user:password)`'] : [];
		const bearer = this.options.tokens === undefined ? [] : ['`Bearer TOKEN`'];
		const taken = [...basic, ...bearer].join(' or ');
		return taken === '' ? 'no credentials are taken here' : `the authorization must be ${taken}`;
	}
}

function authFailed(message: string): ZooKeeperError {
	return new ZooKeeperError({ code: errors.authFailed.code, path: '', zxid: zeroZxid, message });
}

/** An IPv4 client of a socket that listens on IPv6 shows as `[::ffff:203.0.113.7]:51234`. */
function withoutMapping(peer: string): string {
	return peer.replace(/^\[::ffff:([0-9.]+)\]/i, '$1');
}

/** `203.0.113.7:51234` and `[::1]:51234` without their ports. */
function host(address: string): string {
	return address.replace(/:[0-9]+$/, '').replace(/^\[(.*)\]$/, '$1');
}
