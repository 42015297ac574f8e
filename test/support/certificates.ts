/** Certificates that a test makes for itself: authorities, servers and clients, as good or as bad as it needs them. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { der, oid, sequence, set, utf8String } from './der.ts';

/** PEM. */
export interface Certified {
	readonly cert: string;
	readonly key: string;
}

export interface CertificateOptions {
	/** The parts of the subject, the least specific first. */
	readonly subject?: readonly (readonly [type: string, value: string])[];
	/** Names and addresses of a server. */
	readonly hosts?: readonly string[];
	/** Days from now at which it begins to be good, and ends; from an hour ago for a year when absent. */
	readonly days?: readonly [number, number];
}

const types: Readonly<Record<string, string>> = {
	CN: '2.5.4.3',
	C: '2.5.4.6',
	O: '2.5.4.10',
	OU: '2.5.4.11',
	emailAddress: '1.2.840.113549.1.9.1',
};
const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const dayMs = 86_400_000;

export class Authority {
	readonly cert: string;
	readonly #name: Buffer;
	readonly #key: KeyObject;

	constructor(name: string) {
		this.#name = nameOf([['CN', name]]);
		const { publicKey, privateKey } = newKeys();
		this.#key = privateKey;
		const isAuthority = extension('2.5.29.19', sequence(der(0x01, Buffer.from([0xff]))), true);
		this.cert = this.#signed(this.#name, publicKey, [isAuthority], {});
	}

	server(hosts: readonly string[] = ['localhost', '127.0.0.1'], options: CertificateOptions = {}): Certified {
		return this.issue({ subject: [['CN', hosts[0] ?? 'nobody']], hosts, ...options });
	}

	client(commonName: string, options: CertificateOptions = {}): Certified {
		return this.issue({ subject: [['CN', commonName]], ...options });
	}

	issue(options: CertificateOptions): Certified {
		const { publicKey, privateKey } = newKeys();
		const { hosts = [] } = options;
		const names = hosts.length === 0 ? [] : [extension('2.5.29.17', sequence(...hosts.map(alternativeName)))];
		const cert = this.#signed(nameOf(options.subject ?? []), publicKey, names, options);
		return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
	}

	#signed(subject: Buffer, publicKey: KeyObject, extensions: readonly Buffer[], options: CertificateOptions): string {
		const [from, until] = options.days ?? [-1 / 24, 365];
		const body = sequence(
			der(0xa0, der(0x02, Buffer.from([2]))),
			der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
			ecdsaWithSha256,
			this.#name,
			sequence(time(from), time(until)),
			subject,
			publicKey.export({ type: 'spki', format: 'der' }),
			...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
		);
		const signature = der(0x03, Buffer.from([0]), sign('sha256', body, this.#key));
		const lines = sequence(body, ecdsaWithSha256, signature)
			.toString('base64')
			.match(/.{1,64}/g)!;
		return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
	}
}

/** The same key behind a passphrase. */
export function withPassphrase(key: string): string {
	const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const;
	return createPrivateKey(key).export(options).toString();
}

function newKeys() {
	return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function nameOf(parts: readonly (readonly [string, string])[]): Buffer {
	return sequence(...parts.map(([type, value]) => set(sequence(oid(types[type]!), utf8String(value)))));
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
	const critical = isCritical ? [der(0x01, Buffer.from([0xff]))] : [];
	return sequence(oid(id), ...critical, der(0x04, value));
}

function alternativeName(host: string): Buffer {
	if (isIP(host) === 4) return der(0x87, Buffer.from(host.split('.').map(Number)));
	return der(0x82, Buffer.from(host, 'latin1'));
}

function time(daysFromNow: number): Buffer {
	const text = new Date(Date.now() + daysFromNow * dayMs).toISOString().replace(/[-:T]|\.\d+/g, '');
	return der(0x18, Buffer.from(text));
}
