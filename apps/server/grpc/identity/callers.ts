/** Who calls: the address is the `ip` identity, and `authorization: Basic` adds what ZooKeeper's `addauth digest` would. */
import { authenticate } from '#core/chain/auth';
import type { Caller } from '#core/model/op';
import { zeroZxid } from '#core/model/zxid';
import { errors } from '#jute/errors';
import type { Id } from '#jute/records';
import type { CallHead } from '../grpc-call.ts';
import { ZooKeeperError } from '../grpc-error.ts';

export interface DigestOptions {
	readonly enabled: boolean;
	readonly superDigest: string | null;
}

export class Callers {
	constructor(private readonly digest: DigestOptions) {}

	/**
	 * At once unless the credentials have to be checked against something that is not here.
	 * @throws RpcException for credentials that are no good.
	 */
	of(call: CallHead): Caller | Promise<Caller> {
		const address = withoutMapping(call.getPeer());
		const identities: Id[] = [{ scheme: 'ip', id: host(address) }];
		const [authorization] = call.metadata.get('authorization');
		if (authorization !== undefined) identities.push(...this.#credentials(String(authorization)));
		return { door: 'grpc', identities, address };
	}

	#credentials(authorization: string): readonly Id[] {
		const { enabled, superDigest } = this.digest;
		const basic = /^basic\s+([A-Za-z0-9+/=_-]+)$/i.exec(authorization.trim());
		const identities =
			basic === null || !enabled ? undefined : authenticate('digest', Buffer.from(basic[1]!, 'base64'), superDigest);
		if (identities !== undefined) return identities;
		const message = enabled
			? 'the authorization must be `Basic base64(user:password)`'
			: 'the digest scheme is switched off (DigestAuthenticationProvider.enabled)';
		throw new ZooKeeperError({ code: errors.authFailed.code, path: '', zxid: zeroZxid, message });
	}
}

/** An IPv4 client of a socket that listens on IPv6 shows as `[::ffff:203.0.113.7]:51234`. */
function withoutMapping(peer: string): string {
	return peer.replace(/^\[::ffff:([0-9.]+)\]/i, '$1');
}

/** `203.0.113.7:51234` and `[::1]:51234` without their ports. */
function host(address: string): string {
	return address.replace(/:[0-9]+$/, '').replace(/^\[(.*)\]$/, '$1');
}
