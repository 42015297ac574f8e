import { describe, expect, it } from 'vitest';
import { isX500Name } from './x500-name.ts';

/** Each as Java 17's X500Principal took it; test/interop/x500-names.spec.ts asks Java. */
describe('an X.500 name', () => {
	it.each([
		'CN=client',
		'',
		'CN=a,O=b',
		'CN = a ; o = b',
		'CN=a+OU=b,O=c',
		'CN=',
		'CN=,O=b',
		'1.2.3.4=a',
		'OID.2.5.4.3=a',
		'1.2.3=#0c0161',
		'CN="a, b"',
		'CN="a\\"b" , O=b',
		'CN=a\\,b',
		'CN=a\\2c\\C3\\A4',
		'CN=a=b#c',
		'CN=a b\\ ',
		'EMAILADDRESS=x@y',
		'CN=你好',
	])('35: can be %j', (name) => {
		expect(isX500Name(name)).toBe(true);
	});

	it.each([
		'anyone',
		'user:hash',
		'CN',
		'=a',
		',',
		'CN=a,',
		',CN=a',
		'CN=a,,O=b',
		'CN=a+',
		'CN=a+b',
		'FOO=a',
		'E=x@y',
		'C N=a',
		'2=a',
		'3.4=a',
		'1.50.3=a',
		'CN="a',
		'CN="a"b',
		'CN=a"b',
		'CN=a<b',
		'CN=a\\',
		'CN=a\\q',
		'CN="a\\q"',
		'CN=#',
		'CN=#61',
		'CN=#0c01',
		'1.2.3=#zz',
	])('35: cannot be %j', (name) => {
		expect(isX500Name(name)).toBe(false);
	});
});
