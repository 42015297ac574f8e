/** The keys of the gRPC port: where it listens, its certificates, who its callers are and what they may. docs/security.md */
import { ids, tokenScheme } from './identity-types.ts';
import { key } from './key.ts';
import { address, boolean, claim, integer, oneOf, path, port, string } from './value-types.ts';

export const grpcKeys = {
	grpcPort: key(port, 50_051, 'The gRPC port; 0: any free one, also when it is taken and nobody set it.'),
	grpcAddress: key(address, '127.0.0.1', 'The address the gRPC port listens on.'),
	'grpc.plaintext': key(
		boolean,
		false,
		'Whether the gRPC port may be without TLS on an address that others can reach: what it carries can be read and changed on the way then, passwords and tokens included.',
	),
	'grpc.tls.cert': key(
		path,
		'',
		"The certificate of the gRPC port, PEM, with the certificates between it and its authority's behind it; empty: no TLS.",
	),
	'grpc.tls.key': key(path, '', 'The private key of `grpc.tls.cert`, PEM, without a passphrase.'),
	'grpc.tls.clientCa': key(
		path,
		'',
		'The certificates of the authorities of clients, PEM: the subject of a client whose certificate is from one of them is its identity of the scheme `x509`; empty: clients are not asked for certificates.',
	),
	'grpc.tls.clientAuth': key(
		oneOf('none', 'want', 'need'),
		'need',
		'With `grpc.tls.clientCa`. `need`: no connection without a good certificate. `want`: a client without one, or with one that is not good, has no `x509` identity. `none`: clients are not asked.',
	),
	'grpc.tls.reloadMs': key(
		integer(10),
		10_000,
		'Milliseconds between looks at the files of certificates and keys: those that changed, and are the same at the next look, hold for new connections.',
	),
	'grpc.jwt.jwks': key(
		string,
		'',
		'The public keys of bearer tokens, as a JSON Web Key Set: a URL that begins with `https://` or `http://`, or a file; empty: tokens are not taken.',
	),
	'grpc.jwt.issuer': key(string, '', 'What the claim `iss` of a token must be. Needed with `grpc.jwt.jwks`.'),
	'grpc.jwt.audience': key(
		string,
		'',
		'What the claim `aud` of a token must be, or have in it. Needed with `grpc.jwt.jwks`.',
	),
	'grpc.jwt.idClaim': key(
		claim,
		'sub',
		"The claim of a token that is its owner's identity, of the scheme `grpc.jwt.scheme`.",
	),
	'grpc.jwt.rolesClaim': key(
		string,
		'',
		"The claim with the roles of a token's owner, a list or words: each is an identity of the scheme `grpc.jwt.scheme` with `-role` behind it; empty: none.",
	),
	'grpc.jwt.scheme': key(
		tokenScheme,
		'jwt',
		'The scheme of identities that come from tokens, as access control lists have it.',
	),
	'grpc.jwt.clockSkewSeconds': key(
		integer(0, 3600),
		30,
		'By how many seconds the clock of who makes tokens may differ from this one.',
	),
	'grpc.adminIds': key(
		ids,
		Object.freeze([]),
		'Who may call AdminService, besides `super`. Empty: callers at loopback addresses while `grpcAddress` is one, else nobody.',
	),
	'grpc.restoreIds': key(
		ids,
		Object.freeze([]),
		'Who may call RestoreService, besides `super`: a restore reads and writes whatever the access control lists say. Empty: nobody.',
	),
	'grpc.historyIds': key(
		ids,
		Object.freeze([]),
		'Who may call HistoryService, besides `super`. Empty: callers at loopback addresses while `grpcAddress` is one, else nobody.',
	),
} as const;
