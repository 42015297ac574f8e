/**
 * docs/migrating-from-zookeeper.md, "SQL for an ensemble that stays as it is", as an operator follows it on three running ZooKeepers that know nothing of it: each command as it is printed, in order. What the
 * guide cannot know here is replaced: paths and ports. psql is a stand-in that uses pg.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '#test/support/ensemble-wait';
import { GuideCommands } from '#test/support/guide-commands';
import { freePort, freePorts, output } from '#test/support/processes';
import { psqlStandIn } from '#test/support/psql';
import { RealEnsemble } from '#test/support/real-ensemble';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const text = readFileSync(join(root, 'docs', 'migrating-from-zookeeper.md'), 'utf8');
const section = text.split('## SQL for an ensemble that stays as it is')[1]!.split(/^## /m)[0]!;

let zookeepers: RealEnsemble;
let folder: string;
let replaced: readonly (readonly [string, string])[];
let environment: Record<string, string>;
const guide = new GuideCommands(section, () => ({ cwd: root, environment, replaced }));

beforeAll(async () => {
	zookeepers = await RealEnsemble.start();
	folder = mkdtempSync(join(tmpdir(), 'observer-guide-'));
	// Run as root, PostgreSQL is a user of its own.
	chmodSync(folder, 0o755);
	const [quorumPort, electionPort, clientPort] = await freePorts(3);
	replaced = [
		['/var/lib/chronokeeper', join(folder, 'chronokeeper')],
		['/var/lib/zookeeper', zookeepers.member(1).dataDir],
		['127.0.0.1:2889:3889', `127.0.0.1:${quorumPort}:${electionPort}`],
		['--client-port 2182', `--client-port ${clientPort}`],
		['127.0.0.1:2181', zookeepers.connectString(1)],
	];
	environment = {
		...(process.env as Record<string, string>),
		PATH: `${psqlStandIn(folder)}${delimiter}${process.env.PATH}`,
		ZOO_LOG_DIR: join(folder, 'logs'),
		CK_GRPC_PORT: '0',
		CK_HTTP_PORT: '0',
		CK_AUDIT_POSTGRES_PORT: String(await freePort()),
	};
});

afterAll(async () => {
	if (guide.blocks.length < 5) guide.follow('bin/zkServer.sh stop /var/lib/chronokeeper/zoo.cfg');
	await zookeepers?.close();
	rmSync(folder, { recursive: true, force: true });
});

it('9: an observer that nobody was told of has in SQL what was done before it came, and what is done from then on', async () => {
	output('/usr/share/zookeeper/bin/zkCli.sh', ['-server', zookeepers.connectString(1), 'create', '/before', 'x']);
	expect(guide.next('ck attach')).toMatch(/copied .* of the past\n[\s\S]*the observer is server\.4\n/);
	expect(guide.next('zkServer.sh start')).toMatch(/STARTED\n[\s\S]*Mode: observer/);
	guide.next('zkCli.sh');
	await eventually('PostgreSQL knows it', async () => {
		const client = new pg.Client({
			connectionString: readFileSync(join(folder, 'chronokeeper', 'postgres.url'), 'utf8'),
		});
		client.on('error', () => undefined); // It does not answer yet.
		try {
			await client.connect();
			const { rowCount } = await client.query(
				"select from chronokeeper.znode_history('/before') union all select from chronokeeper.znode_history('/feature')",
			);
			return rowCount === 3;
		} finally {
			await client.end();
		}
	});
	const asked = guide.next('psql');
	expect(asked).toMatch(/\| create \| 0 \| off \|[\s\S]*\| setData \| 1 \| on \|/);
	expect(asked).toMatch(/^\/feature \| 1$/m);
	expect(guide.next('gap')).not.toMatch(/\d \| \d/);
	expect(guide.blocks).toEqual([]);
});
