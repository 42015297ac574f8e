/** The gRPC port's certificates and those of its clients, over the wire. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type PeerCertificate, TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import type { Values } from '#server/config/keys';
import type { RunningServer } from '#server/start-server';
import { Authority, type CertificateOptions, type Certified, withPassphrase } from '#test/support/certificates';
import { ck } from '#test/support/ck';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

const authority = new Authority('the authority');
const stranger = new Authority('somebody else');

/** A directory of files that the configuration names. */
class Files {
	readonly directory = servers.newDirectory();
	readonly values: Partial<Values>;

	constructor(server: Certified, clients?: Authority) {
		mkdirSync(this.directory, { recursive: true });
		this.put(server);
		this.values = {
			'grpc.tls.cert': join(this.directory, 'tls.crt'),
			'grpc.tls.key': join(this.directory, 'tls.key'),
			'grpc.tls.reloadMs': 20,
			...(clients === undefined ? {} : { 'grpc.tls.clientCa': this.write('ca.crt', clients.cert) }),
		};
	}

	put({ cert, key }: Certified): void {
		this.write('tls.crt', cert);
		this.write('tls.key', key);
	}

	write(name: string, text: string): string {
		const path = join(this.directory, name);
		writeFileSync(path, text);
		return path;
	}
}

function start(files: Files, values: Partial<Values> = {}, said: string[] = []): Promise<RunningServer> {
	return servers.start(servers.newDirectory(), { ...files.values, ...values }, said);
}

const trusting = { ca: authority.cert };

/** What a new connection is shown. */
function shown(address: string): Promise<PeerCertificate> {
	return new Promise((resolve, reject) => {
		const [host, port] = address.split(':') as [string, string];
		const socket = connect({ host, port: Number(port), ca: authority.cert, ALPNProtocols: ['h2'] }, () => {
			resolve(socket.getPeerCertificate());
			socket.end();
		});
		socket.on('error', reject);
	});
}

async function serialShown(address: string): Promise<string> {
	return (await shown(address)).serialNumber;
}

async function gauge({ addresses }: RunningServer, name: string): Promise<number> {
	const text = await (await fetch(`http://${addresses.http}/metrics`)).text();
	return Number(new RegExp(`^chronokeeper_${name} (.*)$`, 'm').exec(text)![1]);
}

describe('a gRPC port with a certificate', () => {
	it('serves who trusts its authority, and nobody without TLS or with another authority', async () => {
		const { addresses } = await start(new Files(authority.server()));
		const client = servers.connect(addresses.grpc, { tls: trusting });
		await client.create('/a', Buffer.from('one'));
		expect(Buffer.from((await client.get('/a')).data!).toString()).toBe('one');
		for (const [tls, why] of [
			[undefined, /cannot reach .* it hangs up: it may want TLS/],
			[{ ca: stranger.cert }, /cannot reach .* is not from an authority that the client trusts/],
		] as const) {
			await expect(servers.connect(addresses.grpc, { tls }).get('/a')).rejects.toThrow(why);
		}
		const plain = await servers.start(servers.newDirectory());
		const secure = servers.connect(plain.addresses.grpc, { tls: trusting });
		await expect(secure.get('/a')).rejects.toThrow(/cannot reach .* it does not speak TLS/);
		const named = servers.connect(addresses.grpc.replace('127.0.0.1', 'localhost'), { tls: trusting });
		await expect(named.get('/a')).resolves.toBeDefined();
		await expect(shown(addresses.grpc)).resolves.toMatchObject({ issuer: { CN: 'the authority' } });
	});

	it('is not taken for another server by its address', async () => {
		const { addresses } = await start(new Files(authority.server(['localhost', '127.0.0.2'])));
		const byAddress = servers.connect(addresses.grpc, { tls: trusting });
		await expect(byAddress.get('/')).rejects.toThrow(/cannot reach .* is for another name or address/);
		const byName = servers.connect(addresses.grpc.replace('127.0.0.1', 'localhost'), { tls: trusting });
		await expect(byName.get('/')).resolves.toBeDefined();
	});

	it('shows new connections a new certificate, and keeps those that are open', async () => {
		const files = new Files(authority.server());
		const said: string[] = [];
		const server = await start(files, {}, said);
		const { grpc } = server.addresses;
		const client = servers.connect(grpc, { tls: trusting });
		await client.create('/a', null);
		const before = await serialShown(grpc);
		files.put(authority.server(undefined, { days: [-1, 100] }));
		await expect.poll(() => serialShown(grpc)).not.toBe(before);
		expect(said.join('')).toContain('new gRPC connections get the new certificate');
		expect(await gauge(server, 'grpc_certificate_days_left')).toBeCloseTo(100, 1);
		// An authority that the client does not trust: its connection is from before.
		files.put(stranger.server());
		await expect.poll(() => shown(grpc).catch((error: Error) => error.message)).toMatch(/unable to verify|self.signed/);
		await expect(client.exists('/a')).resolves.toBeDefined();
		const late = servers.connect(grpc, { tls: trusting, timeoutMs: 500 });
		await expect(late.exists('/a')).rejects.toThrow(/cannot reach|deadline/i);
	});

	it.each<[string, (files: Files) => void, RegExp]>([
		['is not there', ({ directory }) => rmSync(join(directory, 'tls.crt')), /grpc.tls.cert: there is no file/],
		['is empty', (files) => files.write('tls.crt', ''), /grpc.tls.cert: .* holds no certificate/],
		['is garbage', (files) => files.write('tls.key', 'x'), /grpc.tls.key: .* holds no private key/],
		[
			'does not belong to the other',
			(files) => files.write('tls.key', authority.server().key),
			/grpc.tls.key: .* is not the key of the certificate/,
		],
		['holds no authority', (files) => files.write('ca.crt', 'x'), /grpc.tls.clientCa: .* holds no certificate/],
	])('keeps the certificate it has when a new file %s, and says so once', async (_what, spoil, words) => {
		const good = authority.server();
		const files = new Files(good, authority);
		const said: string[] = [];
		const server = await start(files, { 'grpc.tls.clientAuth': 'want' }, said);
		const before = await serialShown(server.addresses.grpc);
		spoil(files);
		await expect.poll(() => gauge(server, 'grpc_certificate_reload_failed')).toBe(1);
		expect(await serialShown(server.addresses.grpc)).toBe(before);
		files.put(good);
		files.write('ca.crt', authority.cert);
		await expect.poll(() => gauge(server, 'grpc_certificate_reload_failed')).toBe(0);
		const errors = said.filter((line) => line.includes('"level":"error"'));
		expect(errors).toEqual([expect.stringMatching(words)]);
		files.put(authority.server());
		await expect.poll(() => serialShown(server.addresses.grpc)).not.toBe(before);
	});

	it.each<[string, CertificateOptions, RegExp]>([
		['will end soon', { days: [-1, 3.5] }, /"level":"warn".*ends in 3 days/],
		['has ended', { days: [-10, -1] }, /"level":"warn".*clients refuse it/],
	])('warns of one that %s', async (_what, options, words) => {
		const said: string[] = [];
		await start(new Files(authority.server(undefined, options)), {}, said);
		expect(said.filter((line) => words.test(line))).toHaveLength(1);
	});

	it.each<[string, (files: Files) => void, RegExp]>([
		[
			'the certificate is not there',
			({ directory }) => rmSync(join(directory, 'tls.crt')),
			/^grpc.tls.cert: there is no/,
		],
		[
			'the key is another one',
			(files) => files.write('tls.key', authority.server().key),
			/^grpc.tls.key: .* is not the key/,
		],
		[
			'the key has a passphrase',
			(files) => files.write('tls.key', withPassphrase(authority.server().key)),
			/^grpc.tls.key: .* it has a passphrase/,
		],
		['the authority is none', (files) => files.write('ca.crt', ''), /^grpc.tls.clientCa: .* holds no certificate/],
	])('does not start when %s, and says which key it is', async (_what, spoil, words) => {
		const files = new Files(authority.server(), authority);
		spoil(files);
		await expect(start(files)).rejects.toThrow(words);
	});
});

describe("a client's certificate", () => {
	const ann = authority.client('ann', {
		subject: [
			['C', 'DE'],
			['O', 'Example, Inc.'],
			['CN', 'ann'],
		],
	});
	const annName = 'CN=ann,O=Example\\, Inc.,C=DE';
	const bob = authority.client('bob');

	it('is its identity, which access control lists name as ZooKeeper does', async () => {
		const { addresses } = await start(new Files(authority.server(), authority));
		const asAnn = servers.connect(addresses.grpc, { tls: { ...trusting, ...ann } });
		const asBob = servers.connect(addresses.grpc, { tls: { ...trusting, ...bob } });
		expect(await asAnn.whoAmI()).toEqual([
			{ scheme: 'ip', id: '127.0.0.1' },
			{ scheme: 'x509', id: annName },
		]);
		await asAnn.create('/mine', Buffer.from('x'), { acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }] });
		expect((await asAnn.getAcl('/mine')).acl).toEqual([{ perms: 31, id: { scheme: 'x509', id: annName } }]);
		await expect(asBob.get('/mine')).rejects.toMatchObject({ codeName: 'NoAuth' });
		await asAnn.setAcl('/mine', [
			{ perms: 31, id: { scheme: 'x509', id: annName } },
			{ perms: 1, id: { scheme: 'x509', id: 'CN=bob' } },
		]);
		await expect(asBob.get('/mine')).resolves.toBeDefined();
		await expect(asBob.set('/mine', null)).rejects.toMatchObject({ codeName: 'NoAuth' });
		const notAName = [{ perms: 31, id: { scheme: 'x509', id: 'bob' } }];
		await expect(asAnn.create('/other', null, { acl: notAName })).rejects.toMatchObject({ codeName: 'InvalidACL' });
	});

	it('is the identity of its sessions and watches too', async () => {
		const { addresses } = await start(new Files(authority.server(), authority));
		const asAnn = servers.connect(addresses.grpc, { tls: { ...trusting, ...ann } });
		const session = await asAnn.openSession();
		await session.create('/hers', null, { acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }] });
		expect((await session.getAcl('/hers')).acl).toEqual([{ perms: 31, id: { scheme: 'x509', id: annName } }]);
		const asBob = servers.connect(addresses.grpc, { tls: { ...trusting, ...bob } });
		const his = await asBob.openSession();
		await expect(his.get('/hers')).rejects.toMatchObject({ codeName: 'NoAuth' });
		await expect(session.get('/hers')).resolves.toBeDefined();
	});

	it('is read once for a connection, not for each call', async () => {
		const { addresses } = await start(new Files(authority.server(), authority));
		const client = servers.connect(addresses.grpc, { tls: { ...trusting, ...ann } });
		await client.whoAmI();
		const read = vi.spyOn(TLSSocket.prototype, 'getPeerCertificate');
		try {
			for (let i = 0; i < 20; i++) expect(await client.whoAmI()).toHaveLength(2);
			expect(read).not.toHaveBeenCalled();
			await servers.connect(addresses.grpc, { tls: { ...trusting, ...bob } }).whoAmI();
			expect(read).toHaveBeenCalled();
		} finally {
			read.mockRestore();
		}
	});

	it('is what `ck` shows with --tls-cert, or its variables, and it says what is missing', async () => {
		const files = new Files(authority.server(), authority);
		const { addresses } = await start(files);
		const [ca, cert, key] = [
			files.write('ca.pem', authority.cert),
			files.write('ann.pem', ann.cert),
			files.write('ann.key', ann.key),
		];
		const server = ['--server', addresses.grpc];
		const options = ['--tls-ca', ca, '--tls-cert', cert, '--tls-key', key];
		expect(await ck(['create', '/by-ck', 'x', ...server, ...options])).toMatchObject({ status: 0, stderr: '' });
		const env = { CK_TLS_CA: ca, CK_TLS_CERT: cert, CK_TLS_KEY: key };
		expect(await ck(['get', '/by-ck', ...server], { env })).toEqual({ status: 0, stdout: 'x', stderr: '' });
		const half = await ck(['get', '/', ...server, '--tls-cert', cert]);
		expect(half).toMatchObject({ status: 2, stderr: expect.stringContaining('--tls-key (CK_TLS_KEY) go together') });
		const none = await ck(['get', '/', ...server, '--tls-ca', `${ca}x`]);
		expect(none).toMatchObject({ status: 1, stderr: expect.stringContaining('the file of --tls-ca cannot be read') });
		const both = await ck(['get', '/', ...server, '--auth', 'a:b', '--token', 'x']);
		expect(both).toMatchObject({ status: 2, stderr: expect.stringContaining('cannot go together') });
	});

	it('of another authority, one that has ended and none at all open no connection', async () => {
		const { addresses } = await start(new Files(authority.server(), authority));
		const ended = authority.client('ann', { days: [-10, -1] });
		for (const [own, why] of [
			[stranger.client('ann'), /cannot reach .* it may want TLS, or another certificate of its client/],
			[ended, /cannot reach .* it may want TLS, or another certificate of its client/],
			[{}, /cannot reach .* it wants a certificate of its client/],
		] as const) {
			const client = servers.connect(addresses.grpc, { tls: { ...trusting, ...own } });
			await expect(client.whoAmI()).rejects.toThrow(why);
		}
	});

	it('that is not needed is no identity when it is not good', async () => {
		const values = { 'grpc.tls.clientAuth': 'want', 'X509AuthenticationProvider.superUser': 'CN=root' } as const;
		const { addresses } = await start(new Files(authority.server(), authority), values);
		const ended = authority.client('root', { days: [-10, -1] });
		for (const own of [stranger.client('root'), ended, {}]) {
			const client = servers.connect(addresses.grpc, { tls: { ...trusting, ...own } });
			expect(await client.whoAmI()).toEqual([{ scheme: 'ip', id: '127.0.0.1' }]);
		}
		const good = servers.connect(addresses.grpc, { tls: { ...trusting, ...authority.client('root') } });
		expect(await good.whoAmI()).toEqual([
			{ scheme: 'ip', id: '127.0.0.1' },
			{ scheme: 'super', id: 'CN=root' },
			{ scheme: 'x509', id: 'CN=root' },
		]);
	});

	it('of the superuser passes every access control list', async () => {
		const superUser = { 'X509AuthenticationProvider.superUser': annName };
		const { addresses } = await start(new Files(authority.server(), authority), superUser);
		const asBob = servers.connect(addresses.grpc, { tls: { ...trusting, ...bob } });
		await asBob.create('/his', null, { acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }] });
		const asAnn = servers.connect(addresses.grpc, { tls: { ...trusting, ...ann } });
		await expect(asAnn.set('/his', Buffer.from('hers'))).resolves.toBeDefined();
	});

	it('is not asked for with `none`, and access control lists cannot name one without authorities', async () => {
		const { addresses } = await start(new Files(authority.server(), authority), { 'grpc.tls.clientAuth': 'none' });
		const client = servers.connect(addresses.grpc, { tls: { ...trusting, ...ann } });
		expect(await client.whoAmI()).toEqual([{ scheme: 'ip', id: '127.0.0.1' }]);
		const other = await start(new Files(authority.server()));
		const unknown = servers.connect(other.addresses.grpc, { tls: trusting });
		const acl = [{ perms: 31, id: { scheme: 'x509', id: 'CN=ann' } }];
		await expect(unknown.create('/a', null, { acl })).rejects.toMatchObject({ codeName: 'InvalidACL' });
	});

	it('is good by the authorities that are in the file now', async () => {
		const files = new Files(authority.server(), stranger);
		const { addresses } = await start(files);
		const asAnn = () => servers.connect(addresses.grpc, { tls: { ...trusting, ...ann }, timeoutMs: 3000 }).whoAmI();
		await expect(asAnn()).rejects.toThrow(/cannot reach|deadline/i);
		files.write('ca.crt', `${stranger.cert}${authority.cert}`);
		await expect.poll(() => asAnn().catch(() => [])).toHaveLength(2);
		files.write('ca.crt', stranger.cert);
		await expect.poll(() => asAnn().catch(() => [])).toEqual([]);
	});
});
