/**
 * bin/zkCli.sh beside the command line of ZooKeeper 3.8: the same session with every command and many mistakes, and the same invocations with
 * exit codes, on a real ZooKeeper and on Chronokeeper. All four transcripts must be equal.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/processes.ts';
import { RealZooKeeper } from '../support/real-zookeeper.ts';
import { ServerProcess } from '../support/server-process.ts';
import {
	type CommandLineProgram,
	ourZkCli,
	type Transcript,
	transcriptOf,
	zooKeepersZkCli,
} from '../support/zk-cli.ts';
import { invocations, otherOptions, session } from './zkcli/session.ts';

interface Running {
	readonly port: number;
	stop(): Promise<unknown>;
}

type StartServer = (dataDir: string) => Promise<Running>;

const startZooKeeper: StartServer = (dataDir) =>
	RealZooKeeper.start({ dataDir, config: { tickTime: 2000 }, properties: { 'zookeeper.enforceQuota': 'true' } });

const startChronokeeper: StartServer = async (dataDir) => {
	const port = await freePort();
	const server = await ServerProcess.start(dataDir, {
		CK_CLIENT_PORT: String(port),
		CK_CLIENT_PORT_ADDRESS: '127.0.0.1',
		CK_TICK_TIME: '2000',
		CK_EXTENDED_TYPES_ENABLED: 'true',
		CK_ENFORCE_QUOTA: 'true',
	});
	return { port, stop: () => server.stop() };
};

/** A session, then invocations: their transcripts by what was asked. */
type Transcripts = ReadonlyMap<string, Transcript>;

let folder: string;
let nobody: number;
let reference: Transcripts;

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'zkcli-'));
	nobody = await freePort();
	reference = await transcripts(startZooKeeper, zooKeepersZkCli);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** On a server of its own, so that all see the same zxids. */
async function transcripts(start: StartServer, zkCli: CommandLineProgram): Promise<Transcripts> {
	const server = await start(mkdtempSync(join(folder, 'data-')));
	const address = `127.0.0.1:${server.port}`;
	const names = { [address]: 'SERVER', [`127.0.0.1:${nobody}`]: 'NOBODY' };
	const withAddress = (text: string): string =>
		text.replaceAll('SERVER', address).replaceAll('NOBODY', `127.0.0.1:${nobody}`);
	const found = new Map<string, Transcript>();
	try {
		const input = session.map((line) => `${withAddress(line)}\n`).join('');
		found.set('the session', transcriptOf(await zkCli(['-server', address], { input }), names));
		for (const args of [...invocations.map((command) => ['-server', 'SERVER', ...command]), ...otherOptions]) {
			// One command may be done before there is a connection: of that, these transcripts say nothing.
			found.set(args.join(' '), { ...transcriptOf(await zkCli(args.map(withAddress)), names), events: [] });
		}
	} finally {
		await server.stop();
	}
	return found;
}

describe.each([
	{ client: 'bin/zkCli.sh', server: 'ZooKeeper', zkCli: ourZkCli, start: startZooKeeper },
	{ client: "ZooKeeper's zkCli", server: 'Chronokeeper', zkCli: zooKeepersZkCli, start: startChronokeeper },
	{ client: 'bin/zkCli.sh', server: 'Chronokeeper', zkCli: ourZkCli, start: startChronokeeper },
])('$client on $server', ({ zkCli, start }) => {
	let found: Transcripts;
	beforeAll(async () => {
		found = await transcripts(start, zkCli);
	});

	it('has the same session, with every command', () => {
		expect(found.get('the session')).toEqual(reference.get('the session'));
	});

	it('has the same answers and exit codes, command by command', () => {
		expect(Object.fromEntries(found)).toEqual(Object.fromEntries(reference));
	});
});
