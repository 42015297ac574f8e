import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { chainOptions } from '../replica/chain-options.ts';
import { ConfigError, loadConfig } from './config.ts';
import { environmentVariable, keyNames, keys } from './keys.ts';
import { isLaterKey, laterKeys } from './later-keys.ts';
import { escapedValue, parseProperties, withoutProperties } from './properties-file.ts';
import { effectiveKeysTable, laterKeysTable } from './reference.ts';

const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string, name = 'zoo.cfg'): string {
	const path = join(folder, name);
	writeFileSync(path, text);
	return path;
}

function problemsOf(text: string, environment = {}): readonly string[] {
	try {
		loadConfig({ file: file(text), environment });
	} catch (error) {
		if (error instanceof ConfigError) return error.problems;
		throw error;
	}
	return [];
}

describe('zoo.cfg', () => {
	it('gives the defaults without a file', () => {
		const config = loadConfig();
		expect(config.tickTime).toBe(2000);
		expect(config.minSessionTimeout).toBe(4000);
		expect(config.maxSessionTimeout).toBe(40_000);
		expect(config.grpcAddress).toBe('127.0.0.1');
		expect(config.dataLogDir).toBe(config.dataDir);
		expect(Object.isFrozen(config)).toBe(true);
	});

	it("keeps the names and the meaning of ZooKeeper's keys", () => {
		const config = loadConfig({
			file: file(
				'# a comment\n! another\ntickTime = 1000\ndataDir=/tmp/zk\ndataLogDir /tmp/zk-log\nforceSync=no\nautopurge.snapRetainCount: 5\n' +
					'4lw.commands.whitelist=stat, ruok,\\\n  conf\nzookeeper.extendedTypesEnabled=true\ngrpcPort=0\n',
			),
		});
		expect(config).toMatchObject({
			tickTime: 1000,
			maxSessionTimeout: 20_000,
			dataDir: '/tmp/zk',
			dataLogDir: '/tmp/zk-log',
			forceSync: false,
			'autopurge.snapRetainCount': 5,
			'4lw.commands.whitelist': ['stat', 'ruok', 'conf'],
			extendedTypesEnabled: true,
			grpcPort: 0,
		});
	});

	it('66: takes the keys of local sessions, which a server alone has none of: its sessions outlive it', () => {
		const config = loadConfig({ file: file('localSessionsEnabled=true\nlocalSessionsUpgradingEnabled=true\n') });
		expect(chainOptions(config).localSessionsEnabled).toBe(false);
		expect(config.warnings).toContain(
			'without effect on a single server: localSessionsEnabled, localSessionsUpgradingEnabled',
		);
	});

	it("takes every key of ZooKeeper's own sample, and says once what has no effect", () => {
		const config = loadConfig({
			file: file(
				'tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/tmp/zookeeper\nclientPort=2181\nmaxClientCnxns=60\nautopurge.snapRetainCount=3\n' +
					'autopurge.purgeInterval=1\nmetricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider\n' +
					'metricsProvider.httpPort=7000\nadmin.idleTimeout=1\nssl.quorum.keyStore.location=/x\nauthProvider.1=some.Class\n',
			),
		});
		expect(config).toMatchObject({ clientPort: 2181, clientPortAddress: '', maxClientCnxns: 60 });
		expect(config.warnings.filter((line) => line.startsWith('without effect'))).toEqual([
			'without effect in this build: admin.idleTimeout, authProvider.1, metricsProvider.className, metricsProvider.httpPort, ssl.quorum.keyStore.location',
		]);
	});

	it('names the nearest known key and the line of an unknown one', () => {
		expect(problemsOf('tickTime=2000\n\ndatadir=/tmp\nsnapCuont=5\n')).toEqual([
			`datadir is not a known key (${join(folder, 'zoo.cfg')}, line 3); the nearest one is dataDir`,
			`snapCuont is not a known key (${join(folder, 'zoo.cfg')}, line 4); the nearest one is snapCount`,
		]);
	});

	it.each([
		['tickTime=fast', 'tickTime is "fast"', 'an integer ≥ 1'],
		['tickTime=0x10', 'tickTime is "0x10"', 'an integer ≥ 1'],
		['tickTime=', 'tickTime is ""', 'an integer ≥ 1'],
		['grpcPort=70000', 'grpcPort is "70000"', 'from 0 to 65535'],
		['forceSync=maybe', 'forceSync is "maybe"', '`true` or `false`'],
		['audit.mode=sync', 'audit.mode is "sync"', '`off`, `async`, `strict`'],
		['otel.sampleRatio=2', 'otel.sampleRatio is "2"', 'a number from 0 to 1'],
		['server.1=host', 'server.1 is "host"', 'host:quorumPort:electionPort'],
	])('refuses %s and says what is allowed', (line, what, allowed) => {
		const [problem = '', ...more] = problemsOf(`\n${line}\n`);
		expect(more).toEqual([]);
		expect(problem).toContain(what);
		expect(problem).toContain('line 2)');
		expect(problem).toContain(allowed);
	});

	it('does not show a secret that it refuses', () => {
		const [problem] = problemsOf('audit.url=mysql://user:pass-word@host/db');
		expect(problem).toContain('audit.url is a value');
		expect(problem).not.toContain('pass-word');
	});

	it('refuses session timeouts that leave nothing between them', () => {
		expect(problemsOf('minSessionTimeout=9\nmaxSessionTimeout=8')[0]).toContain('minSessionTimeout (9 ms)');
	});

	it.each([
		['', 2181, '127.0.0.1'],
		['clientPortAddress=10.0.0.1', 2181, '10.0.0.1'],
		['clientPort=2182', 2182, ''],
		['clientPort=0', 0, ''],
		['clientPort=2182\nclientPortAddress=10.0.0.1', 2182, '10.0.0.1'],
		['secureClientPort=2281', 0, ''],
		['server.1=a:2888:3888;2183', 2183, ''],
		['server.1=a:2888:3888;[::1]:2183', 2183, '::1'],
		['server.1=a:2888:3888;10.0.0.1:2183\nclientPort=2183', 2183, '10.0.0.1'],
	])('with "%s" clients are listened to at port %i, address "%s"', (text, clientPort, clientPortAddress) => {
		expect(loadConfig({ file: file(text) })).toMatchObject({ clientPort, clientPortAddress });
	});

	it('refuses two client ports', () => {
		expect(problemsOf('clientPort=2181\nserver.1=a:2888:3888;2182')[0]).toContain('leave one of them out');
	});

	it("knows the keys by the names of ZooKeeper's code and of its documentation", () => {
		const text =
			'connectionMaxTokens=5\nconnection_throttle_fill_count=7\nrequestThrottleLimit=9\nthrottled_op_wait_time=3\n';
		expect(loadConfig({ file: file(text) })).toMatchObject({
			connectionMaxTokens: 5,
			connectionTokenFillCount: 7,
			request_throttle_max_requests: 9,
			throttled_op_wait_time: 3,
		});
	});

	it('says that the file cannot be read', () => {
		expect(() => loadConfig({ file: join(folder, 'none.cfg') })).toThrow(/none\.cfg cannot be read/);
	});
});

describe('the environment', () => {
	it('wins over the file, and an empty variable counts as none', () => {
		const config = loadConfig({
			file: file('tickTime=1000\nsnapCount=50\n'),
			environment: { CK_TICK_TIME: '3000', CK_SNAP_COUNT: '', CK_AUDIT_MODE: 'OFF', HOME: '/root' },
		});
		expect(config.tickTime).toBe(3000);
		expect(config.snapCount).toBe(50);
		expect(config['audit.mode']).toBe('off');
	});

	it('names the variable of a bad value, and the nearest of an unknown one', () => {
		expect(problemsOf('', { CK_GRPC_PORT: 'x' })[0]).toBe(
			'grpcPort is "x" (CK_GRPC_PORT): it must be an integer from 0 to 65535',
		);
		const { warnings } = loadConfig({ environment: { CK_AUDIT_URI: 'x', CK_SERVER: 'for ck' } });
		expect(warnings).toEqual(['the environment variable CK_AUDIT_URI is not known; the nearest one is CK_AUDIT_URL']);
	});

	it('has a name of its own for each key', () => {
		const names = new Set(keyNames.map(environmentVariable));
		expect(names.size).toBe(keyNames.length);
		expect(
			Object.keys(laterKeys)
				.map(environmentVariable)
				.filter((name) => names.has(name)),
		).toEqual([]);
		expect(environmentVariable('autopurge.snapRetainCount')).toBe('CK_AUTOPURGE_SNAP_RETAIN_COUNT');
		expect(environmentVariable('DigestAuthenticationProvider.superDigest')).toBe(
			'CK_DIGEST_AUTHENTICATION_PROVIDER_SUPER_DIGEST',
		);
		expect(environmentVariable('skipACL')).toBe('CK_SKIP_ACL');
		expect(environmentVariable('quorumListenOnAllIPs')).toBe('CK_QUORUM_LISTEN_ON_ALL_IPS');
	});
});

describe("Java's system properties", () => {
	const flags =
		'-Xmx1000m -XX:+UseG1GC -Dfile.encoding=UTF-8 -Dzookeeper.extendedTypesEnabled=true -Djute.maxbuffer=0x200000 -Dzookeeper.snapCount=70 ' +
		'-Dzookeeper.DigestAuthenticationProvider.superDigest=super:abc= -Dznode.container.checkIntervalMs=500 -Dzookeeper.log.dir=/x -Dzookeeper.admin.idleTimeout=1';

	it('are read from SERVER_JVMFLAGS and JVMFLAGS, below the file and the environment', () => {
		const config = loadConfig({
			file: file('snapCount=80\n'),
			environment: {
				SERVER_JVMFLAGS: flags,
				JVMFLAGS: '-Dzookeeper.skipACL=yes',
				CK_ZNODE_CONTAINER_CHECK_INTERVAL_MS: '700',
			},
		});
		expect(config).toMatchObject({
			extendedTypesEnabled: true,
			'jute.maxbuffer': 0x20_0000,
			snapCount: 80,
			'DigestAuthenticationProvider.superDigest': 'super:abc=',
			'znode.container.checkIntervalMs': 700,
			skipACL: true,
		});
		expect(config.warnings).toEqual([
			'without effect in this build: admin.idleTimeout',
			'skipACL=yes: access control lists are not looked at',
		]);
	});

	it('that no server reads are warned of, those of zoo.cfg only among them', () => {
		const { tickTime, warnings } = loadConfig({
			environment: { JVMFLAGS: '-Dzookeeper.tickTime=7 -Dzookeeper.sasl.client=false -Dzookeeper.foo -DtickTime=8 -D' },
		});
		expect(tickTime).toBe(2000);
		expect(warnings).toEqual([
			'-Dzookeeper.tickTime in JVMFLAGS is not a property that a server reads: it has no effect',
			'-Dzookeeper.foo in JVMFLAGS is not a property that a server reads: it has no effect',
			'without effect in this build: sasl.client',
		]);
	});

	it('are refused when they are wrong', () => {
		expect(problemsOf('', { SERVER_JVMFLAGS: '-Djute.maxbuffer=big' })).toEqual([
			'jute.maxbuffer is "big" (-Djute.maxbuffer in SERVER_JVMFLAGS): it must be an integer from 1024 to 1073741824',
		]);
	});
});

describe('the properties format', () => {
	it("reads what Java's escapes mean", () => {
		expect(parseProperties('a\\=b=c\\td\r\nk\\u0041 : v \\\\\n\nlast')).toEqual([
			{ key: 'a=b', value: 'c\td', line: 1, lastLine: 1 },
			{ key: 'kA', value: 'v \\', line: 2, lastLine: 2 },
			{ key: 'last', value: '', line: 4, lastLine: 4 },
		]);
		expect(parseProperties('a=b\\\n c\nd=e')).toEqual([
			{ key: 'a', value: 'bc', line: 1, lastLine: 2 },
			{ key: 'd', value: 'e', line: 3, lastLine: 3 },
		]);
	});

	it('loses the properties that are left out, with all their lines, and nothing else', () => {
		const text = '# first\r\nserver.1=a\\\r\n  :1:2\r\n\r\nzookeeper.tickTime=1\n!x\nserver.2 b\rdataDir=/d';
		expect(withoutProperties(text, (key) => key.startsWith('server.') || key === 'tickTime')).toBe(
			'# first\r\n\r\n!x\ndataDir=/d',
		);
		expect(withoutProperties(text, () => false)).toBe(text);
	});

	it('gives back what was written with escapes', () => {
		const word = fc.stringMatching(/^[ -~]{1,20}$/).filter((text) => text.trim() === text);
		fc.assert(
			fc.property(word, word, (key, value) => {
				const escaped = key.replace(/[\\=:\s#!]/g, '\\$&');
				expect(parseProperties(`${escaped}=${value.replaceAll('\\', '\\\\')}`)).toEqual([
					{ key, value, line: 1, lastLine: 1 },
				]);
				const odd = `${value}é\u{1f600}`;
				expect(parseProperties(`a=${escapedValue(odd)}`)[0]!.value).toBe(odd);
				expect(escapedValue(odd)).toMatch(/^[ -~]*$/);
			}),
		);
	});
});

describe('the gRPC port', () => {
	const tls = 'grpc.tls.cert=/c\ngrpc.tls.key=/k\n';
	const jwt = 'grpc.jwt.issuer=i\ngrpc.jwt.audience=a\n';

	it.each(['127.0.0.1', '127.1.2.3', '::1', '[::1]', 'localhost'])('needs no certificate at %s', (address) => {
		expect(loadConfig({ file: file(`grpcAddress=${address}\n`) }).warnings).toEqual([]);
	});

	it.each(['0.0.0.0', '::', '192.0.2.1', 'one.example', '127.0.0.1.example', '128.0.0.1'])(
		'needs one at %s, or a word that it may do without, which is warned of',
		(address) => {
			const [problem, ...others] = problemsOf(`grpcAddress=${address}\n`);
			expect(others).toEqual([]);
			expect(problem).toContain(`grpcAddress is ${address}, which others can reach`);
			expect(problem).toContain('set grpc.tls.cert and grpc.tls.key, or grpc.plaintext=true');
			const { warnings } = loadConfig({ file: file(`grpcAddress=${address}\ngrpc.plaintext=true\n`) });
			expect(warnings).toEqual([expect.stringContaining('can be read and changed on the way')]);
			expect(loadConfig({ file: file(`grpcAddress=${address}\n${tls}`) }).warnings).toEqual([]);
		},
	);

	it.each([
		['grpc.tls.cert=/c', 'grpc.tls.cert is set, and grpc.tls.key is not'],
		['grpc.tls.key=/k', 'grpc.tls.key is set, and grpc.tls.cert is not'],
		['grpc.tls.clientCa=/a', 'grpc.tls.clientCa is set, and grpc.tls.cert is not'],
		[`${tls}grpc.tls.clientAuth=want`, 'grpc.tls.clientCa does not say whose certificates are good'],
		[`grpc.jwt.jwks=/j\ngrpc.jwt.issuer=i`, 'grpc.jwt.jwks is set, and grpc.jwt.audience is not'],
		[`grpc.jwt.jwks=/j\ngrpc.jwt.audience=a`, 'grpc.jwt.jwks is set, and grpc.jwt.issuer is not'],
		[`${jwt}grpc.jwt.jwks=https://`, 'it must be a URL or a file'],
		[`${jwt}grpc.jwt.scheme=x509`, 'it must be lower-case letters'],
		[`${jwt}grpc.jwt.scheme=super`, 'it must be lower-case letters'],
		['grpc.adminIds=ann', 'it must be identities as in access control lists'],
		['grpc.adminIds=super:ann', 'it must be identities as in access control lists'],
		['grpc.adminIds=auth:ann', 'it must be identities as in access control lists'],
		['grpc.adminIds=world:ann', 'it must be identities as in access control lists'],
		['grpc.adminIds=ip:10.0.0.0/33', 'it must be identities as in access control lists'],
		['grpc.adminIds=digest:ann', 'it must be identities as in access control lists'],
		['grpc.historyIds=x509:ann', 'it must be identities as in access control lists'],
		['grpc.historyIds=ip:10.0.0.1,ann', 'it must be identities as in access control lists'],
	])('with %j is refused', (text, why) => {
		const [problem, ...others] = problemsOf(`${text}\n`);
		expect(problem).toContain(why);
		expect(others).toEqual([]);
	});

	it('reads who may do what, commas in names and colons in addresses included', () => {
		const text = 'grpc.adminIds=ip:10.0.0.0/8, ip:::1,x509:CN=ann,O=one\\\\, two,jwt-role:ops,digest:bob:hash=\n';
		expect(loadConfig({ file: file(text) })['grpc.adminIds']).toEqual([
			{ scheme: 'ip', id: '10.0.0.0/8' },
			{ scheme: 'ip', id: '::1' },
			{ scheme: 'x509', id: 'CN=ann,O=one\\, two' },
			{ scheme: 'jwt-role', id: 'ops' },
			{ scheme: 'digest', id: 'bob:hash=' },
		]);
	});

	it('warns of what is less safe than it looks', () => {
		const warnings = (text: string) => loadConfig({ file: file(text) }).warnings;
		expect(warnings(`${jwt}grpc.jwt.jwks=http://keys.example/jwks\n`)).toEqual([
			expect.stringContaining('who can change it on the way can make tokens'),
		]);
		expect(warnings(`${jwt}grpc.jwt.jwks=http://127.0.0.1:1/jwks\n`)).toEqual([]);
		expect(warnings(`${tls}grpcAddress=::\ngrpc.adminIds=world:anyone\n`)).toEqual([
			expect.stringContaining('whoever reaches the gRPC port may do that'),
		]);
	});

	it('35: has the schemes in access control lists by which it can tell who somebody is', () => {
		const schemes = (text: string) => chainOptions(loadConfig({ file: file(text) })).aclSchemes;
		expect(schemes('')).toEqual([]);
		expect(schemes(`${tls}grpc.tls.clientCa=/a\n`)).toEqual(['x509']);
		expect(schemes(`${jwt}grpc.jwt.jwks=/j\ngrpc.jwt.scheme=sasl\n`)).toEqual(['sasl', 'sasl-role']);
	});
});

describe('docs/configuration.md', () => {
	const document = fileURLToPath(new URL('../../../docs/configuration.md', import.meta.url));

	/** Replaces what stands between the mark and the next heading (or the end). */
	function put(text: string, mark: string, table: string): string {
		const start = text.indexOf(mark) + mark.length;
		const next = text.indexOf('\n## ', start);
		return `${text.slice(0, start)}\n${table}\n${next === -1 ? '' : text.slice(next)}`;
	}

	it('has the table that the code has (REWRITE=1 writes it)', () => {
		const text = readFileSync(document, 'utf8');
		const expected = put(
			put(text, '<!-- effective keys -->', effectiveKeysTable()),
			'<!-- later keys -->',
			laterKeysTable(),
		);
		if (process.env.REWRITE === '1') writeFileSync(document, expected);
		expect(readFileSync(document, 'utf8')).toBe(expected);
	});

	it('knows no key twice', () => {
		for (const name of keyNames) expect([name, isLaterKey(name)]).toEqual([name, false]);
		expect(Object.keys(keys).length).toBe(keyNames.length);
	});
});
