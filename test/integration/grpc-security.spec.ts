/** Who callers of the gRPC port are, and what they may, over the wire. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials, Metadata, type MethodDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AdminServiceService } from '#proto/chronokeeper/v1/admin';
import { HistoryServiceService } from '#proto/chronokeeper/v1/history';
import { RestoreServiceService } from '#proto/chronokeeper/v1/restore';
import { SessionServiceService } from '#proto/chronokeeper/v1/session';
import { WatchServiceService } from '#proto/chronokeeper/v1/watch';
import { ZnodeServiceService } from '#proto/chronokeeper/v1/znode';
import type { Values } from '#server/config/keys';
import { TestServers } from '#test/support/test-servers';
import { audience, type IssuedKey, issuer, newKey, TokenIssuer, token } from '#test/support/token-issuer';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

const start = (values: Partial<Values>) => servers.start(servers.newDirectory(), values);

/** Any method, with a message that has nothing in it. */
function call(
	client: Client,
	definition: MethodDefinition<unknown, unknown>,
	authorization: string,
): Promise<ServiceError | undefined> {
	const metadata = new Metadata();
	metadata.set('authorization', authorization);
	const { path, requestStream, responseStream } = definition;
	const serialize = () => Buffer.alloc(0);
	const deserialize = (bytes: Buffer) => bytes;
	return new Promise((resolve) => {
		const answered = (error: ServiceError | null) => resolve(error ?? undefined);
		const options = { deadline: Date.now() + 5000 };
		if (!responseStream && !requestStream) {
			client.makeUnaryRequest(path, serialize, deserialize, {}, metadata, options, answered);
			return;
		}
		if (!responseStream) {
			client.makeClientStreamRequest(path, serialize, deserialize, metadata, options, answered).end();
			return;
		}
		const both = requestStream
			? client.makeBidiStreamRequest(path, serialize, deserialize, metadata, options)
			: undefined;
		const stream = both ?? client.makeServerStreamRequest(path, serialize, deserialize, {}, metadata, options);
		stream.on('error', answered);
		// What answers, or ends, was let in.
		for (const event of ['data', 'end']) {
			stream.on(event, () => {
				answered(null);
				stream.cancel();
			});
		}
		both?.end();
	});
}

const basic = (user: string) => `Basic ${Buffer.from(`${user}:password`).toString('base64')}`;
const digestId = (user: string) => `${user}:${createHash('sha1').update(`${user}:password`).digest('base64')}`;

describe('a role', () => {
	const services = {
		admin: [AdminServiceService],
		history: [HistoryServiceService],
		restore: [RestoreServiceService],
		none: [ZnodeServiceService, SessionServiceService, WatchServiceService],
	} as const;
	/** They tell less to who does not have it. */
	const withoutRole = ['TailTransactions', 'Watch'].map((name) => `/chronokeeper.v1.HistoryService/${name}`);
	const methods = Object.entries(services).flatMap(([role, definitions]) =>
		definitions.flatMap((definition) =>
			Object.values(definition as unknown as Record<string, MethodDefinition<unknown, unknown>>).map(
				(method) => [method.path, withoutRole.includes(method.path) ? 'none' : role, method] as const,
			),
		),
	);

	it('is asked for by every method of the services for operators and auditors, and by no other', async () => {
		const { addresses } = await start({
			'grpc.adminIds': [{ scheme: 'digest', id: digestId('operator') }],
			'grpc.historyIds': [{ scheme: 'digest', id: digestId('auditor') }],
			'grpc.restoreIds': [{ scheme: 'digest', id: digestId('restorer') }],
		});
		const client = servers.keep(new Client(addresses.grpc, credentials.createInsecure()));
		const allowed: Readonly<Record<string, string>> = { operator: 'admin', auditor: 'history', restorer: 'restore' };
		const users = [...Object.keys(allowed), 'stranger'];
		const seen = { denied: [] as string[], open: [] as string[], missing: [] as string[] };
		for (const [path, role, method] of methods) {
			const codes: Record<string, status | undefined> = {};
			for (const user of users) {
				const error = await call(client, method, basic(user));
				codes[user] = error?.code;
				if (error?.code === status.PERMISSION_DENIED) {
					expect(error.details).toMatch(new RegExp(`^${path} takes the role ${role}, .* in grpc.${role}Ids$`));
				}
			}
			const isDenied = (user: string) => codes[user] === status.PERMISSION_DENIED;
			if (codes.stranger === status.UNIMPLEMENTED) seen.missing.push(path);
			else {
				const denied = Object.fromEntries(users.map((user) => [user, isDenied(user)]));
				const expected = users.map((user) => [user, role !== 'none' && allowed[user] !== role] as const);
				expect([path, denied]).toEqual([path, Object.fromEntries(expected)]);
				(role === 'none' ? seen.open : seen.denied).push(path);
			}
		}
		expect(seen.denied).toEqual(expect.arrayContaining(['Status', 'TakeSnapshot'].map(inAdmin)));
		expect(seen.denied.filter((path) => path.includes('HistoryService'))).toHaveLength(5);
		expect(seen.denied.filter((path) => path.includes('RestoreService')).length).toBeGreaterThan(3);
		expect(seen.open.length).toBeGreaterThan(10);
	});

	function inAdmin(name: string): string {
		return `/chronokeeper.v1.AdminService/${name}`;
	}
});

describe('a bearer token', () => {
	let ours: IssuedKey;
	let source: TokenIssuer;
	beforeAll(async () => {
		ours = await newKey('ES256', 'ours');
	});

	const jwt = (jwks: string): Partial<Values> => ({
		'grpc.jwt.jwks': jwks,
		'grpc.jwt.issuer': issuer,
		'grpc.jwt.audience': audience,
		'grpc.jwt.rolesClaim': 'roles',
	});

	async function listen(...keys: IssuedKey[]): Promise<TokenIssuer> {
		source = servers.keep(await new TokenIssuer(...keys).listen());
		return source;
	}

	it('says who calls, access control lists name its owner and roles, and roles come from it', async () => {
		const rsa = await newKey('RS256', 'rsa');
		const edwards = await newKey('EdDSA', 'edwards');
		const { url } = await listen(ours, rsa, edwards);
		const { addresses } = await start({ ...jwt(url), 'grpc.adminIds': [{ scheme: 'jwt-role', id: 'ops' }] });
		const connect = async (key: IssuedKey, claims: object) =>
			servers.connect(addresses.grpc, { token: await token(key, { ...claims }) });
		const ann = await connect(ours, { sub: 'ann', roles: ['ops', 'dev'] });
		const bob = await connect(rsa, { sub: 'bob', roles: ['dev'] });
		const cem = await connect(edwards, { sub: 'cem' });
		expect(await ann.whoAmI()).toEqual([
			{ scheme: 'ip', id: '127.0.0.1' },
			{ scheme: 'jwt', id: 'ann' },
			{ scheme: 'jwt-role', id: 'ops' },
			{ scheme: 'jwt-role', id: 'dev' },
		]);
		await ann.create('/hers', Buffer.from('x'), { acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }] });
		// What is hers is not her colleagues'.
		expect((await ann.getAcl('/hers')).acl).toEqual([{ perms: 31, id: { scheme: 'jwt', id: 'ann' } }]);
		await expect(bob.get('/hers')).rejects.toMatchObject({ codeName: 'NoAuth' });
		await ann.setAcl('/hers', [
			{ perms: 31, id: { scheme: 'jwt', id: 'ann' } },
			{ perms: 1, id: { scheme: 'jwt-role', id: 'dev' } },
		]);
		await expect(bob.get('/hers')).resolves.toBeDefined();
		await expect(cem.get('/hers')).rejects.toMatchObject({ codeName: 'NoAuth' });
		await expect(ann.status()).resolves.toBeDefined();
		await expect(bob.status()).rejects.toMatchObject({ status: 'PERMISSION_DENIED' });
		await expect(cem.status()).rejects.toThrow(/takes the role admin/);
	});

	it('that is not good is refused, with a reason that repeats nothing of it', async () => {
		const { url } = await listen(ours);
		const { addresses } = await start(jwt(url));
		const forged = await token({ ...(await newKey('ES256')), kid: 'ours' });
		const ended = await token(ours, { exp: 1 });
		for (const [text, why] of [
			[forged, /not signed with a key of grpc.jwt.jwks/],
			[ended, /has expired/],
			['garbage-that-is-secret', /is no JSON Web Token/],
		] as const) {
			const client = servers.connect(addresses.grpc, { token: text });
			const error = await client.get('/').catch((thrown: unknown) => thrown as Error);
			expect(error).toMatchObject({ status: 'UNAUTHENTICATED', codeName: 'AuthFailed' });
			expect((error as Error).message).toMatch(why);
			for (const part of text.split('.')) expect((error as Error).message).not.toContain(part);
			await expect(client.status()).rejects.toMatchObject({ status: 'UNAUTHENTICATED' });
		}
	});

	it('cannot be checked while the keys are away, and everybody else is served', async () => {
		const { url } = await listen(ours);
		await source.close();
		const { addresses } = await start(jwt(url));
		const withToken = servers.connect(addresses.grpc, { token: await token(ours) });
		const without = servers.connect(addresses.grpc, { auth: 'ann:password' });
		await expect(withToken.get('/')).rejects.toMatchObject({ status: 'UNAVAILABLE' });
		await expect(withToken.get('/')).rejects.toThrow(/cannot be checked now/);
		await expect(without.get('/')).resolves.toBeDefined();
		await source.listen();
		await expect.poll(() => withToken.get('/').catch(() => undefined)).toBeDefined();
	});

	it('is good by keys of a file too, those that are in it now', async () => {
		const file = join(servers.newDirectory(), '..', 'jwks.json');
		const write = (...keys: IssuedKey[]) => writeFileSync(file, new TokenIssuer(...keys).jwks());
		write(ours);
		const { addresses } = await start({ ...jwt(file), 'grpc.tls.reloadMs': 20 });
		const withToken = servers.connect(addresses.grpc, { token: await token(ours) });
		await expect(withToken.get('/')).resolves.toBeDefined();
		const next = await newKey('ES256', 'next');
		write(next);
		const withNext = servers.connect(addresses.grpc, { token: await token(next) });
		await expect.poll(() => withNext.get('/').catch(() => undefined)).toBeDefined();
		await expect(withToken.get('/')).rejects.toMatchObject({ status: 'UNAUTHENTICATED' });
	});

	it('needs keys that are there when they are in a file, and is refused where tokens are not taken', async () => {
		await expect(start(jwt(join(servers.newDirectory(), 'none')))).rejects.toThrow(
			/^grpc.jwt.jwks: the file cannot be read/,
		);
		const { addresses } = await start({});
		const client = servers.connect(addresses.grpc, { token: await token(ours) });
		await expect(client.get('/')).rejects.toThrow(/bearer tokens are not taken here \(grpc.jwt.jwks\)/);
	});
});
