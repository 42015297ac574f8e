/**
 * What a connection's credentials make of it (semantics 38). The answer is immediate and carries zxid 0; a failure is answered
 * AuthFailed, and the door closes the connection.
 */
import { errors } from '#jute/errors';
import type { Id } from '#jute/records';
import { readUtf8 } from '#jute/utf8';
import type { AuthOp, Reply } from '../model/op.ts';
import { sha1 } from '../model/sha1.ts';
import { zeroZxid } from '../model/zxid.ts';
import { type ChainOptions, superIdentity } from './options.ts';

/** Identities the connection has from now on, or undefined when the credentials are no good. */
export function authenticate(
	scheme: string,
	auth: Uint8Array | null,
	superDigest: string | null,
): readonly Id[] | undefined {
	if (scheme === 'digest') return auth === null ? undefined : digestIdentities(auth, superDigest);
	// ZooKeeper lets a client assert its own address; the connection's real one is what its door put there already.
	return scheme === 'ip' ? [] : undefined;
}

export function performAuth(op: AuthOp, options: ChainOptions): Reply {
	const identities = authenticate(op.scheme, op.auth, options.superDigest);
	if (identities === undefined) return { error: errors.authFailed.code, zxid: zeroZxid };
	return { error: 0, zxid: zeroZxid, result: { kind: 'auth', identities } };
}

/** `user:password` becomes `user:base64(sha1(user:password))`, which is what ACLs hold. */
export function digestId(credentials: Uint8Array): string {
	const colon = credentials.indexOf(0x3a);
	const user = readUtf8(credentials, 0, colon === -1 ? credentials.length : colon);
	return `${user}:${base64(sha1(credentials))}`;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function base64(bytes: Uint8Array): string {
	let text = '';
	for (let at = 0; at < bytes.length; at += 3) {
		const group = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
		text += alphabet[group >> 18]! + alphabet[(group >> 12) & 63]!;
		text += at + 1 < bytes.length ? alphabet[(group >> 6) & 63]! : '=';
		text += at + 2 < bytes.length ? alphabet[group & 63]! : '=';
	}
	return text;
}

function digestIdentities(auth: Uint8Array, superDigest: string | null): readonly Id[] {
	const id = digestId(auth);
	const identity: Id = { scheme: 'digest', id };
	return id === superDigest ? [superIdentity, identity] : [identity];
}
