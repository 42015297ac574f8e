/** How a client proves to a replica who it is, and knows that it is the replica: TLS, a certificate, a password, a token. */
import { type ChannelCredentials, credentials, Metadata } from '@grpc/grpc-js';

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

/** @throws Error when the certificates are no good */
export function channelCredentials({ tls }: SecurityOptions): ChannelCredentials {
	if (tls === undefined) return credentials.createInsecure();
	const bytes = (pem: string | undefined) => (pem === undefined ? null : Buffer.from(pem));
	return credentials.createSsl(bytes(tls.ca), bytes(tls.key), bytes(tls.cert));
}

/** What stands in front of each call. */
export function authorization({ auth, token }: SecurityOptions): Metadata {
	const metadata = new Metadata();
	if (auth !== undefined && token !== undefined) throw new Error('a call has either a user and a password or a token');
	if (auth !== undefined) metadata.set('authorization', `Basic ${Buffer.from(auth).toString('base64')}`);
	if (token !== undefined) metadata.set('authorization', `Bearer ${typeof token === 'string' ? token : token()}`);
	return metadata;
}
