/** How a client proves to a replica who it is, and knows that it is the replica: TLS, a certificate, a password, a token. */
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { type ChannelCredentials, type ChannelOptions, credentials, Metadata } from '@grpc/grpc-js';

export interface TlsOptions {
	/** The authorities of replicas, PEM; those that Node knows when absent. */
	readonly ca?: string | undefined;
	/** The client's own certificate with what is between it and its authority, PEM: the `x509` identity. */
	readonly cert?: string | undefined;
	/** The key of it, PEM. */
	readonly key?: string | undefined;
}

export interface SecurityOptions {
	/** Without it the connection is plaintext. */
	readonly tls?: TlsOptions | undefined;
	/** `user:password`: adds ZooKeeper's digest identity to that of the address. */
	readonly auth?: string | undefined;
	/** A bearer token (JWT), or what gives one that is good now. Not together with `auth`. */
	readonly token?: string | (() => string) | undefined;
}

export interface ChannelSecurity {
	readonly credentials: ChannelCredentials;
	readonly options: ChannelOptions;
}

/**
 * @param address `host:port`
 * @throws Error when the certificates are no good
 */
export function channelSecurity(address: string, tls: TlsOptions | undefined): ChannelSecurity {
	if (tls === undefined) return { credentials: credentials.createInsecure(), options: {} };
	const bytes = (pem: string | undefined) => (pem === undefined ? null : Buffer.from(pem));
	const [ca, key, cert] = [bytes(tls.ca), bytes(tls.key), bytes(tls.cert)];
	const host = address.replace(/:[0-9]+$/, '').replace(/^\[(.*)\]$/, '$1');
	if (isIP(host) === 0) return { credentials: credentials.createSsl(ca, key, cert), options: {} };
	// The name that TLS asks for cannot be an address (RFC 6066); the certificate must be for the address all the same.
	const identity = (_: string, certificate: PeerCertificate) => checkServerIdentity(host, certificate);
	return {
		credentials: credentials.createSsl(ca, key, cert, { checkServerIdentity: identity }),
		options: { 'grpc.ssl_target_name_override': 'localhost' },
	};
}

/** What stands in front of each call. */
export function authorization({ auth, token }: SecurityOptions): Metadata {
	const metadata = new Metadata();
	if (auth !== undefined && token !== undefined) throw new Error('a call has either a user and a password or a token');
	if (auth !== undefined) metadata.set('authorization', `Basic ${Buffer.from(auth).toString('base64')}`);
	if (token !== undefined) metadata.set('authorization', `Bearer ${typeof token === 'string' ? token : token()}`);
	return metadata;
}
