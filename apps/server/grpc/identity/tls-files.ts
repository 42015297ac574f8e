/**
 * The files of the gRPC port's certificates and keys: read, and looked at before anything is made of them. This is done first of all, so that nothing is imported here that
 * takes time to load.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { access, constants, readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { KeyRefused, readSigningKey } from '#audit/checkpoint-key';
import type { ServerConfig } from '../../config/config.ts';
import { hasTls } from '../../config/grpc-security.ts';

/** What is wrong with which key's file: a sentence. */
export class SecurityProblem extends Error {}

export interface TlsMaterial {
	readonly context: SecureContextOptions;
	/** Of the server's own certificate. */
	readonly subject: string;
	/** When the first certificate of the server's chain ends, milliseconds since 1970. */
	readonly expiresMs: number;
	/** What the files held: the same again is not news. */
	readonly content: string;
}

type TlsKey = 'grpc.tls.cert' | 'grpc.tls.key' | 'grpc.tls.clientCa';

/**
 * What is in the files that the configuration names.
 * @throws SecurityProblem naming the key whose file is not there or no good
 */
export async function readSecurity(config: ServerConfig): Promise<TlsMaterial | undefined> {
	const jwks = config['grpc.jwt.jwks'];
	if (jwks !== '' && !/^https?:\/\//i.test(jwks)) {
		await access(jwks, constants.R_OK).catch((error: Error) => {
			throw new SecurityProblem(`grpc.jwt.jwks: the file cannot be read: ${error.message}`);
		});
	}
	readAuditKey(config);
	return readTls(config);
}

/** The mirror reads it again for each of its connections; here it is looked at before anything starts. */
function readAuditKey(config: ServerConfig): void {
	const file = config['audit.signingKey'];
	if (file === '' || config['audit.mode'] === 'off') return;
	try {
		readSigningKey(file);
	} catch (error) {
		if (!(error instanceof KeyRefused)) throw error;
		throw new SecurityProblem(`audit.signingKey: ${error.message}`, { cause: error });
	}
}

/**
 * Undefined without TLS.
 * @throws SecurityProblem
 */
export async function readTls(config: ServerConfig): Promise<TlsMaterial | undefined> {
	if (!hasTls(config)) return undefined;
	const asksClients = config['grpc.tls.clientCa'] !== '' && config['grpc.tls.clientAuth'] !== 'none';
	const names: readonly TlsKey[] = [
		'grpc.tls.cert',
		'grpc.tls.key',
		...(asksClients ? (['grpc.tls.clientCa'] as const) : []),
	];
	const texts = await Promise.all(names.map((name) => read(name, config[name])));
	const [cert, key, ca] = texts as [string, string, string?];
	const chain = certificates('grpc.tls.cert', config['grpc.tls.cert'], cert);
	const own = chain[0]!;
	const privateKey = readKey(config['grpc.tls.key'], key);
	if (!own.checkPrivateKey(privateKey)) {
		throw new SecurityProblem(
			`grpc.tls.key: ${config['grpc.tls.key']} is not the key of the certificate in ${config['grpc.tls.cert']} (grpc.tls.cert)`,
		);
	}
	if (ca !== undefined) certificates('grpc.tls.clientCa', config['grpc.tls.clientCa'], ca);
	const context: SecureContextOptions = { cert, key, ...(ca === undefined ? {} : { ca }) };
	try {
		createSecureContext(context);
	} catch (error) {
		throw new SecurityProblem(`grpc.tls.cert, grpc.tls.key: they cannot be used: ${(error as Error).message}`);
	}
	return {
		context,
		subject: own.subject.replaceAll('\n', ', '),
		expiresMs: Math.min(...chain.map(({ validTo }) => Date.parse(validTo))),
		content: texts.join('\0'),
	};
}

async function read(name: TlsKey, path: string): Promise<string> {
	try {
		return await readFile(path, 'utf8');
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		if (code === 'ENOENT') throw new SecurityProblem(`${name}: there is no file ${path}`);
		throw new SecurityProblem(`${name}: ${path} cannot be read: ${message}`);
	}
}

/** At least one. */
function certificates(name: TlsKey, path: string, text: string): X509Certificate[] {
	const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
	if (blocks.length === 0) throw new SecurityProblem(`${name}: ${path} holds no certificate in PEM`);
	return blocks.map((block, index) => {
		try {
			return new X509Certificate(block);
		} catch (error) {
			throw new SecurityProblem(
				`${name}: certificate ${index + 1} in ${path} cannot be read: ${(error as Error).message}`,
			);
		}
	});
}

function readKey(path: string, text: string): KeyObject {
	try {
		return createPrivateKey(text);
	} catch (error) {
		const isEncrypted = /^(-----BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED)/m.test(text);
		const why = isEncrypted ? 'it has a passphrase, which cannot be given' : (error as Error).message;
		throw new SecurityProblem(`grpc.tls.key: ${path} holds no private key that can be used: ${why}`);
	}
}
