/** The names of certificates' owners as Java, and with it ZooKeeper's `x509` scheme, writes and takes them. */
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isX500Name } from '#core/tree/x500-name';
import { x500Name } from '#server/grpc/identity/subject-name';
import { der } from '#test/support/der';
import { output } from '#test/support/processes';

const program = fileURLToPath(new URL('java/X500Names.java', import.meta.url));

function ask(kind: 'text' | 'der', inputs: readonly (string | Buffer)[]): string[] {
	const input = inputs.map((one) => `${kind} ${Buffer.from(one).toString('base64')}\n`).join('');
	return output('/usr/bin/java', [program], { input }).split('\n').slice(0, -1);
}

const oids = {
	known: [
		'550403',
		'550406',
		'550407',
		'550408',
		'550409',
		'55040a',
		'55040b',
		'0992268993f22c640101',
		'0992268993f22c640119',
	],
	other: ['550405', '55040c', '2a864886f70d010901', '2b0601040182373c020103', '8837'],
} as const;

const text = fc.oneof(
	fc.string({ maxLength: 12, unit: fc.constantFrom(...'ab ,=+<>#;"\\\r\n\0/ä你😀'.split('')) }),
	fc.string({ unit: 'binary', maxLength: 200 }),
);
const latin = fc.string({ maxLength: 12, unit: fc.constantFrom(..."abc XYZ019'()+,-./:=?".split('')) });
const value = fc.oneof(
	text.map((words) => der(0x0c, Buffer.from(words))),
	latin.map((words) => der(0x13, Buffer.from(words))),
	latin.map((words) => der(0x16, Buffer.from(words))),
	fc.uint8Array({ maxLength: 8 }).map((bytes) => der(0x14, Buffer.from(bytes))),
	fc
		.tuple(fc.constantFrom(0x0c, 0x13, 0x16, 0x1b), fc.uint8Array({ maxLength: 8 }))
		.map(([tag, bytes]) => der(tag, Buffer.from(bytes))),
	fc.string({ maxLength: 8 }).map((words) => der(0x1e, Buffer.from(words, 'utf16le').swap16())),
	fc.integer({ min: 0, max: 127 }).map((number) => der(0x02, Buffer.from([number]))),
	fc.uint8Array({ maxLength: 8 }).map((bytes) => der(0x04, Buffer.from(bytes))),
);
const attribute = fc
	.tuple(fc.constantFrom(...oids.known, ...oids.known, ...oids.other), value)
	.map(([oid, worth]) => der(0x30, der(0x06, Buffer.from(oid, 'hex')), worth));
const part = fc.oneof(
	{ weight: 5, arbitrary: attribute.map((one) => der(0x31, one)) },
	{ weight: 1, arbitrary: fc.array(attribute, { minLength: 2, maxLength: 3 }).map((some) => der(0x31, ...some)) },
);
const name = fc.array(part, { maxLength: 5 }).map((parts) => der(0x30, ...parts));

it('35: a subject is written as X500Principal.getName() does', () => {
	const names = fc.sample(name, { numRuns: 5000, seed: 5 });
	const theirs = ask('der', names).map((line) => Buffer.from(line, 'base64').toString());
	// How many characters stand for bytes that are none is a matter of taste.
	const tidy = (one: string) => one.replace(/\ufffd+/g, '\ufffd');
	expect(names.map((one) => tidy(x500Name(one)))).toEqual(theirs.map(tidy));
});

it('35: what an ACL may name is what X500Principal takes', () => {
	const words = 'CN= O= a , ; + " \\ # 0c0161 41 OU= 1.2.3 < > é UID= \\# "q," 13 01 OID. 2.5.4.3 C= = CN'.split(' ');
	const piece = fc.constantFrom(...words, ' ');
	const candidates = fc.sample(
		fc
			.tuple(fc.constantFrom('CN=', 'O=', ''), fc.array(piece, { maxLength: 8 }))
			.map(([head, rest]) => head + rest.join('')),
		{ numRuns: 20_000, seed: 5 },
	);
	// Behind an escaped backslash Java does not see a separator for one: such a name is none here.
	const names = candidates.filter((candidate) => !/\\\\[,;+]/.test(candidate));
	const theirs = ask('text', names).map((line) => line === 'true');
	const differ = names.filter((one, index) => isX500Name(one) !== theirs[index]);
	expect(differ).toEqual([]);
	expect(theirs.filter(Boolean).length).toBeGreaterThan(1000);
});
