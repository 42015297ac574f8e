/**
 * Kazoo's own test suite, as Debian packages it with the client (2.8.0), unmodified: it starts and stops its servers itself, by `java`, which is launchers/java here.
 * Other clients' suites, and how they are run: docs/client-suites.md.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { freePort, RunningProgram } from '#test/support/processes';

const python = '/usr/bin/python3';
const packages = '/usr/lib/python3/dist-packages';
const suite = join(packages, 'kazoo/tests');
const launchers = fileURLToPath(new URL('launchers', import.meta.url));

/** Fail with ZooKeeper as well when it is one server: they want three of them. */
const forEnsembles = [
	'test_client.py::TestClient::test_update_host_list',
	'test_eventlet_handler.py::TestEventletClient::test_update_host_list',
	'test_gevent_handler.py::TestGeventClient::test_update_host_list',
	'test_client.py::TestReconfig',
	'test_connection.py::TestReadOnlyMode::test_read_only',
];
/** Servers with JAAS. */
const forSasl = ['test_sasl.py'];
/** Of 2.8.0; newer ones have more. */
const passing = 465;

const folder = mkdtempSync(join(tmpdir(), 'kazoo-suite-'));
let program: RunningProgram | undefined;

afterAll(async () => {
	// Its servers with it.
	await program?.stop('SIGKILL');
	rmSync(folder, { recursive: true, force: true });
});

function requirePackages(): void {
	const needed = ['kazoo', 'pytest', 'pytest_rerunfailures.py', 'mock', 'objgraph.py'];
	const missing = needed.filter((name) => !existsSync(join(packages, name)));
	if (missing.length > 0) {
		throw new Error(
			`${missing.join(', ')} not found: apt-get install python3-kazoo python3-pytest python3-pytest-rerunfailures python3-mock python3-objgraph`,
		);
	}
}

it('Kazoo passes its own suite, started with a server of ours', { timeout: 600_000 }, async () => {
	requirePackages();
	const deselected = [...forEnsembles, ...forSasl].flatMap((test) => ['--deselect', test]);
	program = new RunningProgram(
		python,
		// A test that fails gets two more chances: some of them count milliseconds, on whatever machine this is.
		['-B', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '--reruns', '2', '--rootdir', suite].concat(
			deselected,
			suite,
		),
		{
			cwd: folder,
			asGroup: true,
			env: {
				PATH: `${launchers}${delimiter}${process.env.PATH}`,
				TMPDIR: folder,
				ZOOKEEPER_VERSION: '3.8.0',
				ZOOKEEPER_PATH: launchers,
				ZOOKEEPER_CLASSPATH: launchers,
				ZOOKEEPER_CLUSTER_SIZE: '1',
				ZOOKEEPER_PORT_OFFSET: String(await freePort()),
			},
		},
	);
	await program.exited;
	expect(program.output.match(/^(?:FAILED|ERROR) .*/gm) ?? []).toEqual([]);
	expect(Number(/\b(\d+) passed/.exec(program.output)?.[1])).toBeGreaterThanOrEqual(passing);
});
