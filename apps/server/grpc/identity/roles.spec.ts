import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/config.ts';
import type { Values } from '../../config/keys.ts';
import { Roles, roleOf } from './roles.ts';

const here = { scheme: 'ip', id: '127.0.0.1' };
const hereToo = { scheme: 'ip', id: '::1' };
const elsewhere = { scheme: 'ip', id: '192.0.2.1' };
const superuser = { scheme: 'super', id: '' };
const method = '/chronokeeper.v1.AdminService/Status';

function holds(overrides: Partial<Values>, ...ids: { scheme: string; id: string }[]): boolean {
	const roles = new Roles(loadConfig({ overrides: { 'grpc.plaintext': true, ...overrides } }));
	try {
		roles.check(method, 'admin', ids);
		return true;
	} catch {
		return false;
	}
}

describe('a role', () => {
	it('is that of callers on this machine while the port is for this machine only, and of super', () => {
		for (const id of [here, hereToo]) {
			expect(holds({}, id)).toBe(true);
			expect(holds({ grpcAddress: '::1' }, id)).toBe(true);
			expect(holds({ grpcAddress: '0.0.0.0' }, id)).toBe(false);
		}
		expect(holds({}, elsewhere)).toBe(false);
		for (const grpcAddress of ['127.0.0.1', '0.0.0.0']) expect(holds({ grpcAddress }, elsewhere, superuser)).toBe(true);
	});

	it('is that of those who are named, and then of nobody else', () => {
		const ann = { scheme: 'x509', id: 'CN=ann' };
		const ops = { scheme: 'jwt-role', id: 'ops' };
		const named = { 'grpc.adminIds': [ann, ops, { scheme: 'ip', id: '192.0.2.0/24' }] };
		for (const grpcAddress of ['127.0.0.1', '0.0.0.0']) {
			for (const id of [ann, ops, elsewhere]) expect(holds({ ...named, grpcAddress }, id)).toBe(true);
			for (const id of [here, { ...ann, scheme: 'jwt' }, { ...ops, id: 'op' }, { scheme: 'ip', id: '192.0.3.1' }]) {
				expect(holds({ ...named, grpcAddress }, id)).toBe(false);
			}
			expect(holds({ ...named, grpcAddress }, superuser)).toBe(true);
		}
		expect(holds({ 'grpc.historyIds': [elsewhere] }, elsewhere)).toBe(false);
		expect(holds({ 'grpc.adminIds': [{ scheme: 'world', id: 'anyone' }] }, elsewhere)).toBe(true);
	});

	it('of restores is nobody’s but super’s until somebody is named: it passes all access control lists', () => {
		const has = (overrides: Partial<Values>, id: { scheme: string; id: string }) =>
			new Roles(loadConfig({ overrides })).has('restore', [id]);
		expect([here, hereToo, elsewhere].map((id) => has({}, id))).toEqual([false, false, false]);
		expect(has({}, superuser)).toBe(true);
		expect(has({ 'grpc.restoreIds': [here] }, here)).toBe(true);
		expect(has({ 'grpc.restoreIds': [here] }, hereToo)).toBe(false);
	});

	it('that is missing is named, and how one gets it, without hashes of passwords', () => {
		const roles = new Roles(loadConfig());
		expect(() => roles.check(method, 'admin', [elsewhere, { scheme: 'digest', id: 'ann:hash' }])).toThrow(
			`${method} takes the role admin, which you do not have as ip:192.0.2.1, digest:ann:x: the operator gives it to one of these in grpc.adminIds`,
		);
	});

	it.each([
		['/chronokeeper.v1.ZnodeService/Get', null],
		['/chronokeeper.v1.SessionService/Operate', null],
		['/chronokeeper.v1.WatchService/Watch', null],
		['/chronokeeper.v1.HistoryService/Diff', 'history'],
		['/chronokeeper.v1.HistoryService/TailTransactions', null],
		['/chronokeeper.v1.HistoryService/Watch', null],
		['/chronokeeper.v1.HistoryService/WatchEverything', 'history'],
		['/chronokeeper.v1.AdminService/Reconfig', 'admin'],
		['/chronokeeper.v1.RestoreService/PlanRestore', 'restore'],
		['/chronokeeper.v1.NewService/Get', 'admin'],
		['/chronokeeper.v1.constructor/Get', 'admin'],
		['', 'admin'],
	])('of %s is %s', (path, role) => {
		expect(roleOf(path)).toBe(role);
	});
});
