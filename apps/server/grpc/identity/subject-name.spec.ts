import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Authority } from '#test/support/certificates';
import { der, oid, sequence, set, utf8String } from '#test/support/der';
import { subjectName, x500Name } from './subject-name.ts';

const authority = new Authority('authority');

function written(...subject: readonly (readonly [string, string])[]): string {
	return subjectName(new X509Certificate(authority.issue({ subject }).cert).raw);
}

/** Each as Java 17's X500Principal.getName() writes it; test/interop/x500-names.spec.ts asks Java about many more. */
describe("the name of a certificate's owner", () => {
	it('begins with what is most specific', () => {
		expect(written(['C', 'DE'], ['O', 'Example'], ['OU', 'R'], ['CN', 'ann'])).toBe('CN=ann,OU=R,O=Example,C=DE');
		expect(written()).toBe('');
	});

	it.each([
		['Example, Inc.', 'Example\\, Inc.'],
		['a"b<c>d#e;f=g\\h+i', 'a\\"b\\<c\\>d\\#e\\;f\\=g\\\\h\\+i'],
		['#hash', '\\#hash'],
		['  both  ', '\\ \\ both\\ \\ '],
		['   ', '\\ \\ \\ '],
		['a\0b', 'a\\00b'],
		['Ä 你好 😀', 'Ä 你好 😀'],
		['', ''],
	])('escapes %j', (value, expected) => {
		expect(written(['CN', value])).toBe(`CN=${expected}`);
	});

	it('has numbers for types that RFC 2253 does not name, and bytes for what is no text', () => {
		expect(written(['CN', 'x'], ['emailAddress', 'a@b'])).toBe('1.2.840.113549.1.9.1=#0c03614062,CN=x');
		const number = sequence(oid('2.5.4.3'), der(0x02, Buffer.from([1])));
		expect(x500Name(sequence(set(number)))).toBe('CN=#020101');
	});

	it('keeps together what belongs together, and reads all sorts of strings', () => {
		const attribute = (value: Buffer) => sequence(oid('2.5.4.3'), value);
		const both = set(attribute(utf8String('a')), sequence(oid('2.5.4.11'), utf8String('b')));
		const wide = set(attribute(der(0x1e, Buffer.from('ä', 'utf16le').swap16())));
		const narrow = set(attribute(der(0x14, Buffer.from('ö', 'latin1'))));
		expect(x500Name(sequence(both, wide, narrow))).toBe('CN=ö,CN=ä,CN=a+OU=b');
	});

	it('is not made up of what is no certificate', () => {
		for (const bytes of [Buffer.alloc(0), Buffer.from('3003020101', 'hex'), Buffer.from('30820fff00', 'hex')]) {
			expect(() => subjectName(bytes)).toThrow(RangeError);
		}
	});
});
