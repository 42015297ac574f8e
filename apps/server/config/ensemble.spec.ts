import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, type ServerConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-ensemble-config-'));
const dataDir = join(folder, 'data');
beforeEach(() => writeFileSync(join(folder, 'myid'), ''));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Environment = Readonly<Record<string, string>>;

/** What a configuration says, and what is wrong with it. */
function read(text: string, environment: Environment = {}): { config: ServerConfig; problems: readonly string[] } {
	const file = join(folder, 'zoo.cfg');
	writeFileSync(file, `dataDir=${dataDir}\naudit.url=postgresql://db/audit\n${text}`);
	try {
		return { config: loadConfig({ file, environment }), problems: [] };
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		return { config: error.understood, problems: error.problems };
	}
}

function problemsOf(text: string, environment: Environment = { CK_SERVER_ID: '1' }): readonly string[] {
	return read(text, environment).problems;
}

const limits = 'initLimit=10\nsyncLimit=5\n';
const three = `${limits}server.1=a:2888:3888\nserver.2=b:2888:3888\nserver.3=c:2888:3888\n`;

describe('an ensemble', () => {
	it("79: is read from ZooKeeper's lines", () => {
		const lines =
			'tickTime=500\nmultiAddress.enabled=true\nserver.2=b:2888:3888:participant;[::1]:2182\nserver.1=[fe80::1]:2888:3888|a:2889:3889;2181\n' +
			'server.3=c:2888:3888\nserver.10=d:2888:3888:OBSERVER;0.0.0.0:2181\n';
		const { config, problems } = read(limits + lines, { CK_SERVER_ID: '2' });
		expect(problems).toEqual([]);
		expect(config).toMatchObject({ serverId: 2, clientPort: 2182, clientPortAddress: '::1' });
		expect(config.ensemble).toMatchObject({
			self: { id: 2, client: { host: '::1', port: 2182 } },
			members: { version: 0, participants: [1, 2, 3], observers: [10] },
			dynamicConfigFile: undefined,
			limits: { tickMs: 500, initLimit: 10, syncLimit: 5, connectToLearnerMasterLimit: 10 },
		});
		expect(config.ensemble!.members.servers.get(1)).toMatchObject({
			quorumAddresses: [
				{ host: 'a', port: 2889 },
				{ host: 'fe80::1', port: 2888 },
			],
			electionAddresses: [
				{ host: 'a', port: 3889 },
				{ host: 'fe80::1', port: 3888 },
			],
			client: { host: '0.0.0.0', port: 2181 },
		});
		expect(config.ensemble!.members.toString()).toBe(
			'server.1=a:2889:3889|[fe80::1]:2888:3888:participant;0.0.0.0:2181\nserver.2=b:2888:3888:participant;[::1]:2182\n' +
				'server.3=c:2888:3888:participant\nserver.10=d:2888:3888:observer;0.0.0.0:2181\nversion=0',
		);
		expect(config.warnings).toEqual([]);
	});

	it('is told apart from a single server', () => {
		expect(read('server.1=a:2888:3888\n').config.ensemble).toBeUndefined();
		expect(read('', {}).config.ensemble).toBeUndefined();
		const alone = read(`${limits}standaloneEnabled=false\nserver.1=a:2888:3888\nserver.2=b:2888:3888:observer\n`, {
			CK_SERVER_ID: '1',
		});
		expect(alone.problems).toEqual([]);
		expect(alone.config.ensemble?.members).toMatchObject({ participants: [1], observers: [2] });
	});

	it('is read from the environment, whose lines win over those of the file', () => {
		const environment = {
			CK_SERVER_ID: '3',
			CK_SERVER_2: 'other:2888:3888;2182',
			CK_SERVER_3: 'c:2888:3888',
			CK_SERVER_4: '',
		};
		const { config, problems } = read(`${limits}server.1=a:2888:3888\nserver.2=b:2888:3888\n`, environment);
		expect(problems).toEqual([]);
		const { servers } = config.ensemble!.members;
		expect([...servers.values()].map(({ quorumAddresses }) => quorumAddresses[0]!.host)).toEqual(['a', 'other', 'c']);
	});

	it('has groups and weights', () => {
		const { config, problems } = read(`${three}group.1=1:2\ngroup.2=3\nweight.2=3\n`, { CK_SERVER_ID: '1' });
		expect(problems).toEqual([]);
		const { members } = config.ensemble!;
		expect([1, 2, 3].map((id) => members.weight(id))).toEqual([1, 3, 1]);
		expect([members.isQuorum(new Set([2, 3])), members.isQuorum(new Set([1, 3]))]).toEqual([true, false]);
		expect(config.ensemble!.members.toString()).toMatch(
			/\ngroup\.1=1:2\ngroup\.2=3\nweight\.1=1\nweight\.2=3\nweight\.3=1\nversion=0$/,
		);
	});

	it.each([
		[`${limits}server.1=a:1:2\nserver.2=b:1:2\nserver.1=c:1:2\n`, 'server.1 is there twice: "a:1:2"'],
		[`${limits}server.1=a:1:2\nserver.2=b:1:2\nserver.01=c:1:2\n`, 'two servers cannot have one number'],
		['syncLimit=5\nserver.1=a:1:2\nserver.2=b:1:2\n', 'initLimit is not set'],
		['initLimit=5\nserver.1=a:1:2\nserver.2=b:1:2\n', 'syncLimit is not set'],
		[
			`${limits}server.2=a:1:2\nserver.3=b:1:2\n`,
			'this server is number 1 (myid or serverId), and there is no server.1',
		],
		['server.1=a:1:2:observer\n', 'there are observers only'],
		['server.1=a:1:2\nserver.2=b:1:2:observer\n', 'there are observers and one participant'],
		['standaloneEnabled=false\n', 'it needs server.N lines'],
		[`${limits}server.1=a:1:1\nserver.2=b:1:2\n`, 'uses port 1 for the quorum and for elections'],
		[`${limits}server.1=a:1:2\nserver.2=a:3:1\n`, 'server.1 and server.2 both have a:1'],
		[
			`${limits}server.1=a:1:2|b:1:2\nserver.2=c:1:2\n`,
			'server.1 has 2 addresses: that needs multiAddress.enabled=true',
		],
		[`${limits}server.1=a:1:2\nserver.256=c:1:2\n`, 'server.256: numbers of servers go up to 255'],
		[
			`${limits}extendedTypesEnabled=true\nserver.1=a:1:2\nserver.255=c:1:2\n`,
			'go up to 254 with extendedTypesEnabled',
		],
		[`${three}group.1=1:2\n`, 'Server 3 is in no group'],
		[`${three}group.1=1:2:3\ngroup.2=3\n`, 'Server 3 is in group.1 and group.2'],
		[`${three}group.1=1:2:3:4\n`, 'group.1 names server 4'],
		[`${three}weight.1=heavy\n`, 'weight.1 is "heavy"'],
		[`${three}group.1=1,2,3\n`, 'group.1 is "1,2,3"'],
		['server.1=a:1:2:observer|b:1:2:participant\n', 'server.1 is "a:1:2:observer|b:1:2:participant"'],
		['server.1=a:1:70000\n', 'server.1 is "a:1:70000"'],
		[`${three}electionAlg=0\n`, 'electionAlg is "0"'],
		[`${three}peerType=leader\n`, 'peerType is "leader"'],
		[`${three}clientPort=2181\nserver.1=a:2888:3888;2182\n`, 'leave one of them out'],
		[`${three}audit.mirroredBy=4\n`, 'audit.mirroredBy is 4, and there is no server.4'],
		[`${three}audit.mode=strict\naudit.mirroredBy=2\n`, 'audit.mirroredBy is 2 with audit.mode=strict'],
	])('is refused when it says %j', (text, what) => {
		expect(problemsOf(text).filter((problem) => problem.includes(what))).toHaveLength(1);
	});

	it.each([
		[
			`${three}server.4=d:2888:3888\n`,
			'4 servers vote: they stand the failure of 1, as 3 would; an odd number is better',
		],
		[
			`${limits}server.1=a:1:2\nserver.2=b:1:2\n`,
			'2 of the servers vote: none of them may fail; three can lose one of them',
		],
		[
			`${three}peerType=observer\n`,
			'peerType is observer, and the line of server.1 says participant: the line decides',
		],
		[
			`${limits}reconfigEnabled=true\nserver.1=0.0.0.0:2888:3888\nserver.2=b:2888:3888\nserver.3=c:2888:3888\n`,
			"server.1 has an address that means all of this machine's: with reconfigEnabled=true its lines become those of all servers when it leads. Write the address that the others reach it by, and set quorumListenOnAllIPs=true",
		],
		[`${three}commitLogCount=9\n`, 'commitLogCount is 9: 500 is taken, the least'],
		[
			`${three}audit.url=\n`,
			'audit.url is not set: each replica has a PostgreSQL of its own, which gets the history only while that replica leads. Give all of them the same audit.url',
		],
	])('is warned about when it says %j', (text, warning) => {
		const { config, problems } = read(text, { CK_SERVER_ID: '1' });
		expect(problems).toEqual([]);
		expect(config.warnings).toEqual([warning]);
	});

	it('is not warned about a PostgreSQL of its own when it is the one that writes', () => {
		const { config, problems } = read(`${three}audit.url=\naudit.mirroredBy=1\n`, { CK_SERVER_ID: '1' });
		expect([problems, config.warnings]).toEqual([[], []]);
	});

	it("knows an observer by its line, and says when its peerType is another's", () => {
		const text = `${three}server.4=d:2888:3888:observer\n`;
		const silent = read(`${text}peerType=observer\n`, { CK_SERVER_ID: '4' });
		expect([silent.config.ensemble?.self.role, silent.config.warnings]).toEqual(['observer', []]);
		expect(read(text, { CK_SERVER_ID: '4' }).config.warnings).toEqual([
			'peerType is participant, and the line of server.4 says observer: the line decides',
		]);
	});
});

describe("the server's number", () => {
	function withMyId(content: string, environment: Environment = {}) {
		writeFileSync(join(folder, 'myid'), content);
		return read(`dataDir=${folder}\n${three}`, environment);
	}

	it('is in myid, as in ZooKeeper', () => {
		const { config, problems } = withMyId('3\n');
		expect([config.serverId, config.ensemble?.self.id, problems]).toEqual([3, 3, []]);
		expect(withMyId('three').problems[0]).toContain('holds "three": it must be the server\'s number, from 0 to 255');
	});

	it('may come from serverId, which has no other in myid', () => {
		expect(withMyId('2', { CK_SERVER_ID: '2' }).problems).toEqual([]);
		expect(withMyId('2', { CK_SERVER_ID: '1' }).problems).toEqual([
			`serverId is 1, and ${join(folder, 'myid')} holds 2: the data directory is another server's`,
		]);
	});

	it('must be there in an ensemble', () => {
		expect(read(three).problems).toEqual([
			'which of the servers 1, 2, 3 is this one? Write its number into the file myid in dataDir, or set serverId (CK_SERVER_ID)',
		]);
	});
});

describe('a dynamic configuration file', () => {
	const members = 'server.1=a:2888:3888:participant;0.0.0.0:2181\nserver.2=b:2888:3888:participant\n';

	function withFile(name: string, text: string, more = '', environment: Environment = {}) {
		writeFileSync(join(folder, name), text);
		return read(`${limits}dynamicConfigFile=${name}\n${more}`, { CK_SERVER_ID: '1', ...environment });
	}

	it('82: has the members, and the version in its name', () => {
		const { config, problems } = withFile('zoo.cfg.dynamic.10000002a', members);
		expect(problems).toEqual([]);
		expect(config.clientPort).toBe(2181);
		expect(config.ensemble).toMatchObject({
			members: { version: 0x1_0000_002a },
			dynamicConfigFile: join(folder, 'zoo.cfg.dynamic.10000002a'),
		});
		expect(config.ensemble?.members.toString()).toBe(
			'server.1=a:2888:3888:participant;0.0.0.0:2181\nserver.2=b:2888:3888:participant\nversion=10000002a',
		);
	});

	it('82: has the version inside when its name has none', () => {
		expect(withFile('zoo.cfg.dynamic', `${members}version=1f\n`).config.ensemble?.members.version).toBe(31);
		expect(withFile('zoo.cfg.dynamic', members).config.ensemble?.members.version).toBe(0);
		expect(withFile('zoo.cfg.dynamic', `${members}version=x\n`).problems[0]).toContain('version is "x"');
	});

	it('82: that holds nothing, or half of something, does not start a single server', () => {
		const path = join(folder, 'zoo.cfg.dynamic.1');
		expect(withFile('zoo.cfg.dynamic.1', '').problems).toEqual([
			`${path} has no server.N line: it has to hold the members of the ensemble`,
		]);
		expect(withFile('zoo.cfg.dynamic.1', `${members}server.3=c:28`).problems[0]).toMatch(
			`server.3 is "c:28" (${path}, line 3): it is not understood`,
		);
	});

	it('82: has the next one beside it, which may have been committed', () => {
		const next = join(folder, 'zoo.cfg.dynamic.next');
		writeFileSync(
			next,
			'server.1=a:2888:3888:participant;0.0.0.0:2181\nserver.4=d:2888:3888:observer\nversion=10000002b',
		);
		try {
			const { config, problems } = withFile('zoo.cfg.dynamic.10000002a', members);
			expect([problems, config.ensemble?.members.version]).toEqual([[], 0x1_0000_002a]);
			expect(config.ensemble?.next).toMatchObject({ version: 0x1_0000_002b, participants: [1], observers: [4] });
			// It is in force by now; its file had no time to go.
			expect(withFile('zoo.cfg.dynamic.10000002b', members).config.ensemble?.next).toBeUndefined();
			// Whoever writes members into zoo.cfg begins anew.
			expect(read(three, { CK_SERVER_ID: '1' }).config.ensemble?.next).toBeUndefined();
			writeFileSync(next, 'server.1=a:2888\n');
			expect(withFile('zoo.cfg.dynamic.10000002a', members).problems).toEqual([
				expect.stringContaining(`server.1 is "a:2888" (${next}, line 1)`),
			]);
		} finally {
			rmSync(next);
		}
	});

	it('82: without the server itself is not started with', () => {
		expect(withFile('zoo.cfg.dynamic.10000002a', members, '', { CK_SERVER_ID: '3' }).problems).toEqual([
			expect.stringMatching(
				/^this server is number 3 .* the configuration has 1, 2 \(.*zoo\.cfg\.dynamic\.10000002a, which a reconfiguration wrote\)\. To let it join again/,
			),
		]);
	});

	it('82: made by a reconfiguration decides about the client port and warns of who was named and is gone', () => {
		const { config, problems } = withFile(
			'zoo.cfg.dynamic.10000002a',
			members,
			'clientPort=2182\naudit.mirroredBy=3\n',
		);
		expect([problems, config.clientPort]).toEqual([[], 2181]);
		expect(config.warnings).toEqual([
			expect.stringContaining('audit.mirroredBy is 3, and there is no server.3 since a reconfiguration'),
			expect.stringContaining('2 of the servers vote'),
			expect.stringContaining('which a reconfiguration made and which decides: leave clientPort out'),
		]);
	});

	it('is the only place of the members then', () => {
		const [inFile] = withFile('zoo.cfg.dynamic', members, 'server.3=c:2888:3888\n').problems;
		expect(inFile).toContain('server.3 cannot stand here');
		const [variable] = withFile('zoo.cfg.dynamic', members, '', { CK_SERVER_3: 'c:1:2' }).problems;
		expect(variable).toContain('server.3 cannot stand here (CK_SERVER_3)');
		expect(withFile('zoo.cfg.dynamic', `${members}tickTime=1\n`).problems[0]).toContain(
			'tickTime cannot stand in a dynamic configuration file',
		);
		expect(read(`${limits}dynamicConfigFile=none.dynamic\n`).problems[0]).toContain('none.dynamic cannot be read');
	});
});

describe('members that a reconfiguration left in the data directory', () => {
	const file = join(dataDir, 'members.dynamic.200000005');

	function withSaved(
		files: Readonly<Record<string, string>>,
		text = three,
		environment: Environment = { CK_SERVER_ID: '1' },
	) {
		rmSync(dataDir, { recursive: true, force: true });
		mkdirSync(dataDir);
		for (const [name, content] of Object.entries(files)) writeFileSync(join(dataDir, name), content);
		return read(text, environment);
	}
	afterAll(() => rmSync(dataDir, { recursive: true }));

	const saved = 'server.1=a:2888:3888:participant\nserver.5=e:2888:3888:participant';

	it('82: count when they are newer than those that are configured, which is said with the way back', () => {
		const { config, problems } = withSaved({ 'members.dynamic.200000005': saved, 'members.dynamic.1f': 'older' });
		expect(problems).toEqual([]);
		expect(config.ensemble).toMatchObject({
			members: { version: 0x2_0000_0005, participants: [1, 5] },
			dynamicConfigFile: file,
		});
		expect(config.notes).toEqual([
			`the members are those of ${file}, which a reconfiguration wrote, and not those that are configured elsewhere (version 0): change them with reconfig. To go back to the configured ones, stop all servers and remove ${dataDir}/members.dynamic.* from each`,
		]);
		expect(config.ensemble!.editableFile).toBe(join(folder, 'zoo.cfg'));
		const variables = { CK_SERVER_1: 'a:2888:3888', CK_SERVER_2: 'b:2888:3888', CK_SERVER_ID: '1' };
		const fromVariables = withSaved({ 'members.dynamic.200000005': saved }, limits, variables).config;
		expect(fromVariables.ensemble).toMatchObject({ members: { participants: [1, 5] }, editableFile: undefined });
	});

	it('82: do not count when they are older, nor for a single server', () => {
		const dynamic = 'zoo.cfg.dynamic.200000005';
		writeFileSync(join(folder, dynamic), 'server.1=a:2888:3888\nserver.2=b:2888:3888\n');
		const files = { 'members.dynamic.200000005': saved };
		const { config } = withSaved(files, `${limits}dynamicConfigFile=${dynamic}\n`);
		expect([config.ensemble?.members.participants, config.notes]).toEqual([[1, 2], []]);
		expect(withSaved(files, '').config).toMatchObject({ ensemble: undefined, notes: [] });
	});

	it('82: may be those of a reconfiguration that is not known to be committed', () => {
		const next = { 'members.dynamic.next': `${saved}\nversion=200000006` };
		expect(withSaved({ 'members.dynamic.200000005': saved, ...next }).config.ensemble?.next?.version).toBe(
			0x2_0000_0006,
		);
		// The file that is configured could not be changed any more: what was promised since is here.
		expect(withSaved(next).config.ensemble).toMatchObject({ members: { version: 0 }, next: { participants: [1, 5] } });
	});

	it('82: that cannot be read stop the start', () => {
		expect(withSaved({ 'members.dynamic.200000005': 'server.1=a:2888:3888:participant\nserver.5' }).problems).toEqual([
			expect.stringContaining(`server.5 is "" (${file}, line 2)`),
		]);
		expect(withSaved({ 'members.dynamic.200000005': '' }).problems).toEqual([
			`${file} has no server.N line: it has to hold the members of the ensemble`,
		]);
	});
});
