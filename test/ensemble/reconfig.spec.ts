/** Replicas whose ensemble changes while they run: they join, leave, move, change roles, and start again with what was written. */
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '#server/config/config';
import { type RunningServer, startServer } from '#server/start-server';
import { createLogger } from '#telemetry/logger';
import { ck } from '#test/support/ck';
import { memberLine } from '#test/support/ensemble';
import { asSuperUser, type ReachableMember } from '#test/support/ensemble-agreement';
import { configOf, idsIn, type Reconfiguration, reconfigure } from '#test/support/ensemble-reconfig';
import { eventually } from '#test/support/ensemble-wait';
import { askWord } from '#test/support/four-letter-word';
import { createDatabase } from '#test/support/postgres';
import { freePorts } from '#test/support/processes';
import { superUser } from '#test/support/real-zookeeper';
import { TestServers } from '#test/support/test-servers';
import { WireClient } from '#test/support/wire-client';

const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-reconfig-'));
const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => {
	servers.remove();
	rmSync(folder, { recursive: true, force: true });
});

const limitMs = 120_000;
let ensembles = 0;

class Member implements ReachableMember {
	readonly id: number;
	readonly place: ReachableMember['place'];
	server: RunningServer | undefined;
	/** What it logged, line by line. */
	readonly said: string[] = [];

	constructor(id: number, ports: readonly number[], home: string) {
		const [clientPort, quorumPort, electionPort] = ports as [number, number, number];
		const own = join(home, `server${id}`);
		this.id = id;
		this.place = {
			id,
			role: 'participant',
			host: '127.0.0.1',
			clientPort,
			quorumPort,
			electionPort,
			folder: own,
			wrapper: [],
		};
	}

	get file(): string {
		return join(this.place.folder, 'zoo.cfg');
	}

	get dataDir(): string {
		return join(this.place.folder, 'data');
	}

	/** Only what is not there is written. */
	configure(lines: readonly string[]): void {
		if (existsSync(this.file)) return;
		mkdirSync(this.dataDir, { recursive: true });
		writeFileSync(join(this.dataDir, 'myid'), `${this.id}\n`);
		const settings = [
			...['# kept', `dataDir=${this.dataDir}`, 'tickTime=200', 'initLimit=25', 'syncLimit=10', 'audit.mode=off'],
			...['grpcPort=0', 'httpPort=0', 'shutdown.timeoutMs=500', '4lw.commands.whitelist=*'],
			...['standaloneEnabled=false', 'reconfigEnabled=true', `superDigest=${superUser.digest}`],
		];
		writeFileSync(this.file, [...settings, ...lines, ''].join('\n'));
	}

	/** With what its files say. */
	async start(environment: Readonly<Record<string, string>> = {}): Promise<RunningServer> {
		const config = loadConfig({ file: this.file, environment });
		this.server = servers.keep(
			await startServer(
				config,
				createLogger({ level: 'info', format: 'json', destination: { write: (line) => void this.said.push(line) } }),
			),
		);
		return this.server;
	}

	async stop(): Promise<void> {
		await this.server?.close();
		this.server = undefined;
	}

	get role(): string | undefined {
		return this.server?.health.check().ready ? this.server.replica.role : undefined;
	}
}

class Ensemble {
	readonly members: readonly Member[];

	constructor(members: readonly Member[]) {
		this.members = members;
	}

	/** So many configured members, started, and others that nobody knows yet. */
	static async start(count: number, joiners = 0): Promise<Ensemble> {
		const ports = await freePorts(3 * (count + joiners));
		const home = join(folder, String(++ensembles));
		const members = Array.from({ length: count + joiners }, (_, at) => new Member(at + 1, ports.slice(3 * at), home));
		const lines = members.map(({ place }) => memberLine(place));
		for (const [at, member] of members.entries())
			member.configure(lines.filter((_, other) => other < count || other === at));
		const ensemble = new Ensemble(members);
		await Promise.all(members.slice(0, count).map((member) => member.start()));
		await ensemble.serve(members.slice(0, count));
		return ensemble;
	}

	get running(): readonly Member[] {
		return this.members.filter(({ server }) => server !== undefined);
	}

	async serve(members: readonly Member[] = this.running): Promise<void> {
		for (const member of members) await eventually(`member ${member.id} serves`, () => member.role !== undefined);
	}

	leader(): Promise<Member> {
		return eventually('a member leads', () => this.running.find(({ role }) => role === 'leader'));
	}

	/** @returns when it is in force at all that run, and they serve */
	async change(change: Reconfiguration, through?: Member): Promise<string> {
		const asked = through ?? this.running.find(({ role }) => role === 'follower') ?? (await this.leader());
		const config = await reconfigure(asked, change);
		const version = /^version=(.*)$/m.exec(config)![1]!;
		for (const { id, server } of this.running) {
			await eventually(
				`member ${id} has version ${version}`,
				() => server!.replica.member!.membership.current.version.toString(16) === version,
			);
		}
		await this.serve();
		return config;
	}
}

/** Writes at whichever member answers, and knows what was acknowledged. */
class Writer {
	readonly acknowledged: string[] = [];
	readonly #run: Promise<void>;
	#isStopped = false;

	constructor(ensemble: Ensemble) {
		this.#run = this.#write(ensemble);
	}

	async #write(ensemble: Ensemble): Promise<void> {
		for (let n = 0; !this.#isStopped; ) {
			const member = ensemble.running[n % ensemble.running.length]!;
			try {
				const client = await WireClient.connect(member.place.clientPort, { timeoutMs: 5000 });
				for (let more = 20; more > 0 && !this.#isStopped; more--) {
					const path = `/n${n++}`;
					const { error } = await client.send({ kind: 'create', path, data: null, acl: open, flags: 0 });
					if (error === 0) this.acknowledged.push(path);
				}
				await client.close();
			} catch {
				// It has no leader at the moment, or has left. Whether the last one was done is not known.
				n += 1;
				await new Promise((resolve) => setImmediate(resolve));
			}
		}
	}

	async goesOn(more = 40): Promise<void> {
		const wanted = this.acknowledged.length + more;
		await eventually(`${more} more writes`, () => this.acknowledged.length >= wanted);
	}

	async stop(): Promise<void> {
		this.#isStopped = true;
		await this.#run;
	}
}

const open = [{ perms: 31, scheme: 'world', id: 'anyone' }];

/** What was acknowledged is there at all of them, and they have the same tree. */
async function expectAll(members: readonly Member[], paths: readonly string[]): Promise<void> {
	const zxids = () => members.map(({ server }) => server!.replica.host.lastProcessedZxid);
	await eventually('all have the same zxid', () => new Set(zxids()).size === 1);
	const trees = members.map(({ server }) => server!.replica.host.tree);
	expect(new Set(trees.map((tree) => tree.digest())).size).toBe(1);
	for (const tree of trees) expect(paths.filter((path) => !tree.has(path))).toEqual([]);
}

it(
	'81, 82: under load a server joins, votes, observes and leaves; the leader leaves; all start again with what was written',
	async () => {
		const ensemble = await Ensemble.start(3, 1);
		const [, , , fourth] = ensemble.members as [Member, Member, Member, Member];
		const writer = new Writer(ensemble);
		await writer.goesOn();
		await fourth.start();
		const asObserver = memberLine(fourth.place, 'observer');
		await ensemble.change({ add: [asObserver] });
		await eventually('it observes', () => fourth.role === 'observer');
		await writer.goesOn();
		await ensemble.change({ add: [fourth] }, fourth);
		await eventually('it follows', () => fourth.role === 'follower');
		await ensemble.change({ add: [asObserver] });
		await eventually('it observes again', () => fourth.role === 'observer');
		await ensemble.change({ remove: [4] });
		await writer.goesOn();
		// It goes on without a vote, and is no server to start again.
		expect(idsIn(await configOf(fourth))).toEqual([1, 2, 3]);
		await fourth.stop();
		expect(() => loadConfig({ file: fourth.file })).toThrow(ConfigError);
		expect(() => loadConfig({ file: fourth.file })).toThrow(/there is no server\.4: .*To let it join again/);

		rmSync(fourth.place.folder, { recursive: true });
		fourth.configure(ensemble.members.map(({ place }) => memberLine(place)));
		await fourth.start();
		await eventually('it follows without a vote', () => fourth.role === 'follower');
		expect(fourth.server!.replica.member!.membership.hasVote).toBe(false);
		await ensemble.change({ add: [fourth] });
		const leader = await ensemble.leader();
		await ensemble.change({ remove: [leader.id] }, leader).catch(() => undefined);
		const others = ensemble.running.filter((member) => member !== leader);
		await eventually('another one leads', () => others.some(({ role }) => role === 'leader'));
		await leader.stop();
		await writer.goesOn();
		await writer.stop();
		await expectAll(others, writer.acknowledged);

		await Promise.all(others.map((member) => member.stop()));
		await Promise.all(others.map((member) => member.start()));
		await ensemble.serve();
		await expectAll(others, writer.acknowledged);
		const text = await configOf(others[0]!);
		expect(idsIn(text)).toEqual(others.map(({ id }) => id));
		for (const member of others) {
			expect(await configOf(member)).toBe(text);
			expect(readFileSync(member.file, 'utf8')).toMatch(
				/^# kept\ndataDir=.*\ndynamicConfigFile=.*\.dynamic\.[0-9a-f]+\n$/s,
			);
			expect(readdirSync(member.place.folder)).not.toContain('zoo.cfg.dynamic.next');
		}
	},
	limitMs,
);

it(
	'82: an ensemble of one grows to three and shrinks again',
	async () => {
		const ensemble = await Ensemble.start(1, 2);
		const [one, two, three] = ensemble.members as [Member, Member, Member];
		expect(one.role).toBe('leader');
		await two.start();
		await ensemble.change({ add: [two] });
		await three.start();
		await ensemble.change({ add: [three] });
		expect(ensemble.members.map(({ role }) => role)).toEqual(['leader', 'follower', 'follower']);
		await ensemble.change({ remove: [1] }, two).catch(() => undefined);
		await eventually('another one leads', () => [two, three].some(({ role }) => role === 'leader'));
		await one.stop();
		const last = [two, three].find(({ role }) => role === 'leader')!;
		const other = last === two ? three : two;
		await ensemble.change({ remove: [other.id] }, last);
		await other.stop();
		await asSuperUser(last, (client) =>
			client.send({ kind: 'create', path: '/alone', data: null, acl: open, flags: 0 }),
		);
		await last.stop();
		await last.start();
		await ensemble.serve();
		expect(last.role).toBe('leader');
		expect(last.server!.replica.host.tree.has('/alone')).toBe(true);
		expect(idsIn(await configOf(last))).toEqual([last.id]);
	},
	limitMs,
);

it.each(['follower', 'leader'] as const)(
	'82: a %s moves: to other ports for its peers, and for clients, who stay connected unless it leads',
	async (role) => {
		const ensemble = await Ensemble.start(3);
		const moving = await eventually(`a ${role}`, () => ensemble.members.find((member) => member.role === role));
		const connected = await WireClient.connect(moving.place.clientPort);
		const [clientPort, quorumPort, electionPort] = (await freePorts(3)) as [number, number, number];
		const place = { ...moving.place, clientPort, quorumPort, electionPort };
		await reconfigure(moving, { add: [memberLine(place)] });
		await eventually('clients are served there', async () => (await askWord(clientPort, 'ruok')) === 'imok');
		await expect(WireClient.connect(moving.place.clientPort)).rejects.toThrow('ECONNREFUSED');
		await ensemble.serve();
		if (role === 'follower')
			expect((await connected.send({ kind: 'exists', path: '/zookeeper', watch: false })).error).toBe(0);
		// It has handed over.
		else await connected.closed;
		await connected.close();
		expect(await askWord(clientPort, 'conf')).toMatch(
			new RegExp(`clientPort=${clientPort}\n.*electionPort=${electionPort}\nquorumPort=${quorumPort}\n`, 's'),
		);
		const others = ensemble.members.filter((member) => member !== moving);
		for (const other of others) expect(await askWord(other.place.clientPort, 'conf')).toContain(memberLine(place));

		// Elections and the history go by the new ports.
		const leaving = others.find((member) => member.role === 'leader') ?? others[0]!;
		await leaving.stop();
		await ensemble.serve();
		const staying = others.find((member) => member !== leaving)!;
		await ensemble.change({ remove: [leaving.id] }, staying);
		await moving.stop();
		await moving.start();
		await ensemble.serve();
		expect(moving.server!.addresses.zookeeper).toBe(`127.0.0.1:${clientPort}`);
	},
	limitMs,
);

it(
	'82: a client port that somebody else has is not moved to, and another address of the same port is',
	async () => {
		const ensemble = await Ensemble.start(1);
		const [member] = ensemble.members as [Member];
		const [taken] = (await freePorts(1)) as [number];
		const occupier = createServer().listen(taken, '127.0.0.1');
		servers.keep(occupier);
		await once(occupier, 'listening');
		const own = memberLine(member.place);
		await ensemble.change({ add: [own.replace(/\d+$/, String(taken))] });
		await eventually('it says so', () =>
			member.said.some((line) => line.includes(`${taken} from now on, which cannot be listened on`)),
		);
		expect(await askWord(member.place.clientPort, 'ruok')).toBe('imok');
		// The same port on all addresses: the former one has to be given up first.
		await ensemble.change({ add: [own.replace(/;[\d.]+:/, ';0.0.0.0:')] });
		await eventually(
			'it listens on all addresses',
			async () => (await askWord(member.place.clientPort, 'ruok')) === 'imok',
		);
		await eventually('it says so', () =>
			member.said.some((line) => line.includes(`connect to ${member.place.clientPort} from now on`)),
		);
		expect(readFileSync(member.file, 'utf8')).not.toContain('clientPort');
		// Where the configuration confines it, it stays so.
		await member.stop();
		await member.start({ CK_CLIENT_PORT_ADDRESS: '127.0.0.1' });
		await ensemble.serve();
		const [other] = (await freePorts(1)) as [number];
		await ensemble.change({ add: [own.replace(/;.*/, `;0.0.0.0:${other}`)] });
		await eventually('it says so', () =>
			member.said.some((line) => line.includes(`connect to 127.0.0.1:${other} from now on`)),
		);
	},
	limitMs,
);

it(
	'82: who was away learns of it from who leads, and writes it down',
	async () => {
		const ensemble = await Ensemble.start(3, 1);
		const [one, , , fourth] = ensemble.members as [Member, Member, Member, Member];
		await one.stop();
		await fourth.start();
		const through = ensemble.members[1]!;
		await ensemble.change({ add: [fourth] }, through);
		await ensemble.change({ remove: [3] }, through).catch(() => undefined);
		await eventually('another one leads', () => [through, fourth].some(({ role }) => role === 'leader'));
		await ensemble.members[2]!.stop();
		await one.start();
		await ensemble.serve();
		expect(idsIn(await configOf(one))).toEqual([1, 2, 4]);
		expect(loadConfig({ file: one.file }).ensemble!.members.participants).toEqual([1, 2, 4]);
	},
	limitMs,
);

it(
	'82: members that stand in the environment are changed in the data directory, and counted from there',
	async () => {
		const ports = await freePorts(9);
		const home = join(folder, String(++ensembles));
		const members = [1, 2, 3].map((id) => new Member(id, ports.slice(3 * id - 3), home));
		const environment = Object.fromEntries(
			members.map(({ place }) => [`CK_SERVER_${place.id}`, memberLine(place).replace(/^server\.\d=/, '')]),
		);
		for (const member of members) {
			member.configure([]);
			await member.start(environment);
		}
		const ensemble = new Ensemble(members);
		await ensemble.serve();
		const before = readFileSync(members[0]!.file, 'utf8');
		const leader = await ensemble.leader();
		const leaving = members.find((member) => member !== leader)!;
		await ensemble.change({ remove: [leaving.id] }, leader);
		const stay = members.filter((member) => member !== leaving);
		await leaving.stop();
		await Promise.all(stay.map((member) => member.stop()));
		await Promise.all(stay.map((member) => member.start(environment)));
		await ensemble.serve();
		for (const member of stay) {
			expect(idsIn(await configOf(member))).toEqual(stay.map(({ id }) => id));
			expect(member.server!.config.notes[0]).toContain(`the members are those of ${member.dataDir}/members.dynamic.`);
			expect(readFileSync(member.file, 'utf8')).toBe(before.replaceAll('server1', `server${member.id}`));
		}
		const status = await servers.connect(stay[0]!.server!.addresses.grpc).status();
		expect(status.ensemble).toMatchObject({
			leader: (await ensemble.leader()).id,
			members: stay.map(({ id, place }) => ({
				serverId: id,
				role: 'participant',
				address: memberLine(place).split('=')[1],
			})),
		});
		expect(status.ensemble!.version).toBeGreaterThan(0x1_0000_0000n);
		const { stdout } = await ck(['status', '--server', stay[0]!.server!.addresses.grpc]);
		const { version } = stay[0]!.server!.replica.member!.membership.current;
		const shown = [
			`ensemble      server ${status.ensemble!.leader} leads, members of version 0x${version.toString(16)}`,
		];
		for (const { place } of stay) shown.push(`              ${memberLine(place)}`);
		expect(stdout).toContain(`\n${shown.join('\n')}\n`);
	},
	limitMs,
);

it(
	'82: what was changed, and when, is in the history',
	async () => {
		const database = await createDatabase({ migrate: false });
		servers.keep({ close: () => database.drop() });
		const ports = await freePorts(6);
		const home = join(folder, String(++ensembles));
		const [first, second] = [new Member(1, ports, home), new Member(2, ports.slice(3), home)];
		first.configure([memberLine(first.place)]);
		await first.start({ CK_AUDIT_MODE: 'async', CK_AUDIT_URL: database.url });
		const ensemble = new Ensemble([first]);
		await ensemble.serve();
		const texts = [
			await ensemble.change({ add: [memberLine(second.place, 'observer')] }),
			await ensemble.change({ remove: [2] }),
		];
		const rows = () =>
			database.query<{ data: string }>(
				"select convert_from(data, 'UTF8') as data from chronokeeper.znode_history('/zookeeper/config') where type = 'reconfig' order by zxid",
			);
		await eventually('the history has both', async () => (await rows()).length === 2);
		expect((await rows()).map(({ data }) => data)).toEqual(texts);
		const [gaps] = await database.query<{ count: string }>('select count(*) from chronokeeper.gap');
		expect(Number(gaps!.count)).toBeLessThanOrEqual(1);
	},
	limitMs,
);
