/**
 * The keys of checkpoints: Ed25519, as PEM. The private one is the mirror's and belongs where the database is not; the public one is for everybody who
 * wants to verify.
 */
import {
	createPrivateKey,
	createPublicKey,
	generateKeyPairSync,
	hash,
	type KeyObject,
	sign as signBytes,
	verify as verifyBytes,
} from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

/** A key file that must not or cannot be used; the message says which and what to do. */
export class KeyRefused extends Error {
	override readonly name = 'KeyRefused';
}

export interface SigningKey {
	readonly keyId: string;
	/** 64 bytes. */
	sign(message: string): Buffer;
}

export interface VerifyingKey {
	readonly keyId: string;
	verifies(message: string, signature: Uint8Array): boolean;
}

export interface KeyPair {
	readonly keyId: string;
	readonly privatePem: string;
	readonly publicPem: string;
}

/** Whoever may do more than read it, or is neither its owner nor of its group, may not. A group may read: that is how secrets are mounted. */
const forbiddenMode = 0o037;

/** @throws KeyRefused */
export function readSigningKey(file: string): SigningKey {
	const pem = read(file);
	const mode = statSync(file).mode & 0o777;
	if ((mode & forbiddenMode) !== 0) {
		throw new KeyRefused(
			`${file} may be read or written by others (mode ${mode.toString(8).padStart(4, '0')}): whoever has it can sign. Let its owner alone have it: chmod 600 ${file}`,
		);
	}
	let key: KeyObject;
	try {
		key = createPrivateKey(pem);
	} catch (error) {
		throw new KeyRefused(
			`${file} holds no private key that can be used: ${(error as Error).message}. It must be PEM, without a password; ck audit keygen makes one`,
			{ cause: error },
		);
	}
	requireEd25519(file, key);
	const keyId = keyIdOf(createPublicKey(key));
	return { keyId, sign: (message) => signBytes(null, Buffer.from(message), key) };
}

/** @throws KeyRefused */
export function readVerifyingKey(file: string): VerifyingKey {
	const pem = read(file);
	if (/PRIVATE KEY/.test(pem.toString('latin1'))) {
		throw new KeyRefused(
			`${file} holds a private key: verify with the public one, and keep this one where the mirror alone can read it`,
		);
	}
	let key: KeyObject;
	try {
		key = createPublicKey(pem);
	} catch (error) {
		throw new KeyRefused(`${file} holds no public key in PEM: ${(error as Error).message}`, { cause: error });
	}
	requireEd25519(file, key);
	return {
		keyId: keyIdOf(key),
		verifies: (message, signature) => verifyBytes(null, Buffer.from(message), key, signature),
	};
}

export function generateKeys(): KeyPair {
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	return {
		keyId: keyIdOf(publicKey),
		privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
		publicPem: publicKey.export({ type: 'spki', format: 'pem' }) as string,
	};
}

function read(file: string): Buffer {
	try {
		return readFileSync(file);
	} catch (error) {
		throw new KeyRefused(`the key ${file} cannot be read: ${(error as Error).message}`, { cause: error });
	}
}

function requireEd25519(file: string, { asymmetricKeyType }: KeyObject): void {
	if (asymmetricKeyType === 'ed25519') return;
	throw new KeyRefused(
		`${file} holds a key of the kind ${asymmetricKeyType}, and checkpoints are signed with Ed25519: ck audit keygen makes one`,
	);
}

function keyIdOf(publicKey: KeyObject): string {
	return hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'hex').slice(0, 16);
}
