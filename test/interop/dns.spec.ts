/** `ck dns` as dig sees it, which is stricter than resolvers are. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect, ServiceRegistry } from '#client/index';
import { commandLine } from '#test/support/ck';
import { output, RunningProgram } from '#test/support/processes';
import { TestServers } from '#test/support/test-servers';

if (!existsSync('/usr/bin/dig')) throw new Error('dig not found: apt-get install bind9-dnsutils');

const servers = new TestServers();
let port: string;

beforeAll(async () => {
	const { addresses } = await servers.start(servers.newDirectory());
	const registry = new ServiceRegistry(servers.keep(await connect({ endpoints: addresses.grpc })));
	const metadata = { zone: 'a "b"', note: 'x'.repeat(300) };
	await registry.register({ service: 'web', id: 'one', address: '10.0.0.1', port: 80, weight: 3, metadata });
	await registry.register({ service: 'web', id: 'two', address: 'fd00::2', port: 81 });
	await registry.register({ service: 'web', id: 'named', address: 'host.example.com', port: 82 });
	const many = Array.from({ length: 40 }, (_, i) => ({ service: 'many', id: `${i}`, address: `10.1.0.${i}` }));
	await Promise.all(many.map((one) => registry.register(one)));
	const options = ['--server', addresses.grpc, '--listen', '127.0.0.1:0', '--zone', 'services.test', '--ttl', '5'];
	const program = servers.keepProcess(
		new RunningProgram(commandLine[0]!, [...commandLine.slice(1), 'dns', ...options]),
	);
	[, port] = (await program.waitFor(/listening at 127\.0\.0\.1:(\d+)/)) as unknown as [string, string];
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

function dig(...args: string[]): string {
	return output('/usr/bin/dig', ['@127.0.0.1', '-p', port, '+tries=1', '+timeout=20', ...args]);
}

function answers(...args: string[]): string[] {
	return dig('+noall', '+answer', ...args)
		.trim()
		.split('\n')
		.map((line) => line.replace(/\s+/g, ' '))
		.sort();
}

it('reads every kind of record', () => {
	expect(answers('WEB.services.test', 'A')).toEqual(['WEB.services.test. 5 IN A 10.0.0.1']);
	expect(answers('web.services.test', 'AAAA')).toEqual(['web.services.test. 5 IN AAAA fd00::2']);
	expect(answers('_web._tcp.services.test', 'SRV')).toEqual([
		'_web._tcp.services.test. 5 IN SRV 0 1 81 two.web.services.test.',
		'_web._tcp.services.test. 5 IN SRV 0 1 82 host.example.com.',
		'_web._tcp.services.test. 5 IN SRV 0 3 80 one.web.services.test.',
	]);
	expect(answers('one.web.services.test', 'TXT')).toEqual([
		'one.web.services.test. 5 IN TXT "id=one" "weight=3" "zone=a \\"b\\""',
	]);
	expect(answers('named.web.services.test', 'A')).toEqual(['named.web.services.test. 5 IN CNAME host.example.com.']);
	expect(answers('services.test', 'NS')).toEqual(['services.test. 5 IN NS ns.services.test.']);
	expect(answers('services.test', 'SOA')[0]).toMatch(
		/SOA ns\.services\.test\. hostmaster\.services\.test\. \d+ 60 10 3600 5$/,
	);
});

it('finds nothing wrong with answers that there is none, refusals and other versions of EDNS', () => {
	const said = (...args: string[]) => {
		const text = dig('+norecurse', ...args);
		expect(text).not.toMatch(/warning|malformed|error:/i);
		return /status: (\w+)/.exec(text)?.[1];
	};
	expect(said('none.services.test')).toBe('NXDOMAIN');
	expect(said('web.services.test', 'MX')).toBe('NOERROR');
	expect(said('example.com')).toBe('REFUSED');
	expect(dig('services.test', 'IXFR=1')).toContain('Transfer failed.');
	expect(said('+edns=1', '+noednsnegotiation', 'web.services.test')).toBe('BADVERS');
	expect(said('+noedns', '+opcode=notify', 'web.services.test')).toBe('NOTIMP');
});

it('goes over to TCP where an answer does not fit', () => {
	expect(dig('+ignore', '+noedns', 'many.services.test')).toMatch(/flags: qr aa tc rd; QUERY: 1, ANSWER: 0/);
	expect(answers('+noedns', 'many.services.test')).toHaveLength(40);
	expect(answers('+tcp', 'many.services.test')).toHaveLength(40);
});
