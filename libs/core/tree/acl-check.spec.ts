import { describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { permission } from '#jute/op-codes';
import type { Acl, Id } from '#jute/records';
import { fixAcl, hideDigests, isPermitted } from './acl-check.ts';

const user: Id = { scheme: 'digest', id: 'user:tpUq/4Pn5A64fVZyQ0gOJ8ZWqkY=' };
const address: Id = { scheme: 'ip', id: '192.0.2.17' };
const superuser: Id = { scheme: 'super', id: '' };
const entry = (perms: number, { scheme, id }: Id): Acl => ({ perms, scheme, id });

describe('isPermitted', () => {
	it('34: any entry with any of the requested bits that matches any identity grants', () => {
		const acl = [entry(permission.read, user), entry(permission.write, address)];
		expect(isPermitted(acl, permission.read, [user])).toBe(true);
		expect(isPermitted(acl, permission.write, [user])).toBe(false);
		expect(isPermitted(acl, permission.write, [user, address])).toBe(true);
		expect(isPermitted(acl, permission.read | permission.admin, [user])).toBe(true);
		expect(isPermitted(acl, permission.all, [])).toBe(false);
	});

	it('34: super passes everything, and an empty list is open', () => {
		expect(isPermitted([entry(0, user)], permission.admin, [superuser])).toBe(true);
		expect(isPermitted([], permission.admin, [])).toBe(true);
	});

	it('34: world is anyone, and nothing else in it is anybody', () => {
		expect(isPermitted([entry(permission.read, { scheme: 'world', id: 'anyone' })], permission.read, [])).toBe(true);
		expect(
			isPermitted([entry(31, { scheme: 'world', id: 'x' })], permission.read, [{ scheme: 'world', id: 'x' }]),
		).toBe(false);
	});

	it('34: an identity of another scheme, which a door vouches for, is compared as it stands', () => {
		const subject: Id = { scheme: 'x509', id: 'CN=ann,O=example' };
		expect(isPermitted([entry(31, subject)], permission.read, [subject])).toBe(true);
		for (const id of ['CN=ann', 'cn=ann,O=example', 'CN=ann, O=example']) {
			expect(isPermitted([entry(31, { ...subject, id })], permission.read, [subject])).toBe(false);
		}
		expect(isPermitted([entry(31, subject)], permission.read, [{ ...subject, scheme: 'jwt' }])).toBe(false);
		const auth: Id = { scheme: 'auth', id: '' };
		expect(isPermitted([entry(31, auth)], permission.read, [auth])).toBe(false);
		expect(isPermitted([entry(31, user)], permission.read, [{ ...user, scheme: 'ip' }])).toBe(false);
	});

	it.each([
		['192.0.2.17', '192.0.2.17', true],
		['192.0.2.18', '192.0.2.17', false],
		['192.0.2.17', '192.0.2.0/24', true],
		['192.0.3.17', '192.0.2.0/24', false],
		['192.0.3.17', '192.0.2.0/23', true],
		['10.1.2.3', '0.0.0.0/0', true],
		['10.1.2.3', '10.1.2.2/31', true],
		['10.1.2.4', '10.1.2.2/31', false],
		['10.1.2.3', '10.1.2.3/32', true],
		['10.1.2.3', '10.1.2.3/33', false],
		['10.1.2.3', '10.1.2', false],
		['', '0.0.0.0/0', false],
		['2001:db8::1', '2001:db8::/32', true],
		['2001:db9::1', '2001:db8::/32', false],
		['2001:0DB8:0:0:0:0:0:1', '2001:db8::1', true],
		['::1', '::1', true],
		['::1', '0.0.0.0/0', false],
		['10.1.2.3', '::/0', false],
		['::ffff:10.1.2.3', '10.1.2.0/24', true],
		['fe80::1%eth0', 'fe80::/10', true],
		['2001:db8::1', '2001:db8::/129', false],
		['1:2:3:4:5:6:7:8:9', '::/0', false],
	])('34: address %s in %s: %s', (from, expression, matches) => {
		const acl = [entry(permission.read, { scheme: 'ip', id: expression })];
		expect(isPermitted(acl, permission.read, [{ scheme: 'ip', id: from }])).toBe(matches);
	});
});

describe('fixAcl', () => {
	it('35: auth becomes every identity that was authenticated; an address or being super is none', () => {
		const second: Id = { scheme: 'digest', id: 'b:y' };
		const acl = [entry(permission.read, { scheme: 'auth', id: 'ignored' })];
		expect(fixAcl(acl, [address, user, superuser, second])).toEqual([
			entry(permission.read, user),
			entry(permission.read, second),
		]);
		expect(fixAcl(acl, [address, superuser])).toBeUndefined();
	});

	it('35: further schemes are there when a door has them: auth stands for their identities, but not for roles', () => {
		const subject: Id = { scheme: 'x509', id: 'CN=ann' };
		const token: Id = { scheme: 'jwt', id: 'ann' };
		const role: Id = { scheme: 'jwt-role', id: 'ops' };
		const schemes = ['x509', 'jwt', 'jwt-role'];
		const acl = [entry(31, { scheme: 'auth', id: '' })];
		expect(fixAcl(acl, [subject, token, role], schemes)).toEqual([entry(31, subject), entry(31, token)]);
		expect(fixAcl(acl, [subject, token, role], ['jwt', 'jwt-role'])).toEqual([entry(31, token)]);
		expect(fixAcl(acl, [role], schemes)).toBeUndefined();
		const named = [entry(31, subject), entry(1, role)];
		expect(fixAcl(named, [], schemes)).toEqual(named);
		expect(fixAcl(named, [])).toBeUndefined();
		expect(fixAcl([entry(31, { scheme: 'x509', id: 'ann' })], [], schemes)).toBeUndefined();
		expect(fixAcl([entry(31, { scheme: 'jwt', id: '' })], [], schemes)).toBeUndefined();
	});

	it('35: duplicates go, the order stays', () => {
		const read = entry(permission.read, user);
		const write = entry(permission.write, user);
		expect(fixAcl([write, { ...read }, read, openAcl[0]!, write], [])).toEqual([write, read, openAcl[0]!]);
	});

	it.each([
		['an empty list', []],
		['an unknown scheme', [entry(31, { scheme: 'foo', id: 'x' })]],
		['super', [entry(31, superuser)]],
		['world with another id', [entry(31, { scheme: 'world', id: 'everyone' })]],
		['a digest without a hash', [entry(31, { scheme: 'digest', id: 'user' })]],
		['a digest with an empty hash', [entry(31, { scheme: 'digest', id: 'user:' })]],
		['a digest of three parts', [entry(31, { scheme: 'digest', id: 'a:b:c' })]],
		['a host name', [entry(31, { scheme: 'ip', id: 'localhost' })]],
		['too many bits', [entry(31, { scheme: 'ip', id: '10.0.0.0/33' })]],
		['bits that are no number', [entry(31, { scheme: 'ip', id: '10.0.0.0/x' })]],
		['one bad entry among good ones', [...openAcl, entry(31, { scheme: 'ip', id: '10.0.0.256' })]],
	])('35: refuses %s', (_what, acl) => {
		expect(fixAcl(acl, [user])).toBeUndefined();
	});

	it('35: takes any permissions, and networks of both families', () => {
		const acl = [
			entry(0, user),
			entry(-1, { scheme: 'ip', id: '10.0.0.0/8' }),
			entry(31, { scheme: 'ip', id: '2001:db8::/32' }),
		];
		expect(fixAcl(acl, [])).toEqual(acl);
		expect(fixAcl(openAcl, [])).toBe(openAcl);
	});
});

it('36: hides the hashes of digests and nothing else', () => {
	const acl = [entry(31, user), entry(1, address), ...openAcl, entry(1, { scheme: 'digest', id: 'a:b:c' })];
	expect(hideDigests(acl).map(({ id }) => id)).toEqual(['user:x', '192.0.2.17', 'anyone', 'a:x']);
});

it('35: a list of a hundred thousand entries costs one look at each', () => {
	const entry = (i: number): Acl => ({ perms: 1 + (i % 31), scheme: 'ip', id: `10.0.${(i >> 8) & 255}.${i & 255}` });
	const acl = Array.from({ length: 100_000 }, (_, i) => entry(i % 50_000));
	const startMs = performance.now();
	expect(fixAcl(acl, [])).toEqual(acl.slice(0, 50_000));
	expect(performance.now() - startMs).toBeLessThan(2000);
});
