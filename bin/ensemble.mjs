/**
 * `npm run ensemble`: three replicas and one embedded PostgreSQL on this machine, as processes of their own, until Ctrl-C.
 *
 * Their configurations are written into data/ensemble (or CK_ENSEMBLE_DIR) when they are not there, and are yours from then on. PostgreSQL belongs to this
 * process and not to one of the replicas, so that any of them may be killed to see what the others do.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { nodeFlags } from './node-flags.mjs';
import { explained, node24, PrepareError, prepare, root } from './prepare.mjs';
import { runOnNode24 } from './run-on-node24.mjs';

const ids = [1, 2, 3];
/** What would be the same for all three and cannot be. */
const ofOneReplica =
	/^CK_(CONFIG|READY_FILE|ENSEMBLE_DIR|(DATA|DATA_LOG)_DIR|(CLIENT|SECURE_CLIENT|GRPC|HTTP|ADMIN_SERVER)_PORT|CLIENT_PORT_ADDRESS|SERVER_ID|DYNAMIC_CONFIG_FILE|(SERVER|GROUP|WEIGHT)_[0-9]+)$/;

async function main() {
	prepare();
	if (Number(process.versions.node.split('.')[0]) < 24) return runOnNode24([fileURLToPath(import.meta.url)]);
	const directory = resolve(process.env.CK_ENSEMBLE_DIR || join(root, 'data', 'ensemble'));
	await writeConfigurations(directory);
	const environment = { ...process.env };
	for (const name of Object.keys(environment)) if (ofOneReplica.test(name)) delete environment[name];
	environment.CK_LOG_FORMAT ??= 'text';
	environment.NODE_COMPILE_CACHE ??= join(root, 'dist', '.compile-cache');

	const stopping = new AbortController();
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stopping.abort());
	const configs = await Promise.all(ids.map((id) => readConfiguration(configurationFile(directory, id), environment)));
	const postgres = await startPostgres(directory, configs[0]);
	const replicas = [];
	try {
		if (postgres !== undefined) environment.CK_AUDIT_URL = postgres.url;
		for (const id of ids) replicas.push(new Replica(id, configurationFile(directory, id), environment));
		await serving(replicas, configs, stopping.signal);
		if (!stopping.signal.aborted) {
			console.log(addresses(directory, configs, postgres?.url ?? configs[0]['audit.url']));
			for (const replica of replicas) replica.tellOfItsEnd(directory, postgres !== undefined, stopping.signal);
		}
		await Promise.race([Promise.all(replicas.map(({ ended }) => ended)), aborted(stopping.signal)]);
		if (!stopping.signal.aborted) throw new PrepareError('All replicas have ended.');
	} finally {
		// Once more ends them at once: their logs have what was acknowledged.
		for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop(replicas));
		stop(replicas);
		await Promise.all(replicas.map(({ ended }) => ended));
		await postgres?.stop();
	}
}

function configurationFile(directory, id) {
	return join(directory, `server${id}`, 'zoo.cfg');
}

/** All or none: the members know each other's ports. */
async function writeConfigurations(directory) {
	const missing = ids.filter((id) => !existsSync(configurationFile(directory, id)));
	if (missing.length === 0) return;
	if (missing.length < ids.length) {
		throw new PrepareError(
			`${missing.map((id) => configurationFile(directory, id)).join(' and ')} is missing, and others are there: bring it back, or remove ${directory}.`,
		);
	}
	const ports = await choosePorts();
	const members = ids.map((id) => {
		const { quorum, election, client } = ports.get(id);
		return `server.${id}=127.0.0.1:${quorum}:${election}:participant;127.0.0.1:${client}`;
	});
	for (const id of ids) {
		const file = configurationFile(directory, id);
		const dataDir = resolve(file, '..');
		const { grpc, http } = ports.get(id);
		mkdirSync(dataDir, { recursive: true });
		writeFileSync(join(dataDir, 'myid'), `${id}\n`);
		const lines = [
			'# Written by npm run ensemble, once. What may stand here: docs/configuration.md',
			'tickTime=2000',
			'initLimit=10',
			'syncLimit=5',
			`dataDir=${dataDir.replaceAll('\\', '\\\\')}`,
			`grpcPort=${grpc}`,
			`httpPort=${http}`,
			...members,
		];
		writeFileSync(file, `${lines.join('\n')}\n`);
	}
}

/** ZooKeeper's ports and ours, each server's one higher, and a free one where somebody has it. */
async function choosePorts() {
	const first = { client: 2181, quorum: 2888, election: 3888, grpc: 50_051, http: 8080 };
	const open = [];
	const ports = new Map();
	try {
		for (const id of ids) {
			const own = {};
			for (const [kind, port] of Object.entries(first)) {
				const server = (await listen(port + id - 1)) ?? (await listen(0));
				// Held until all are chosen, so that none is given twice.
				open.push(server);
				own[kind] = server.address().port;
			}
			ports.set(id, own);
		}
	} finally {
		await Promise.all(open.map((server) => new Promise((done) => server.close(done))));
	}
	return ports;
}

/** Undefined when the port is taken. */
function listen(port) {
	return new Promise((done) => {
		const server = createServer();
		server.once('error', () => done(undefined));
		server.listen(port, '127.0.0.1', () => done(server));
	});
}

function compiled(...path) {
	return import(pathToFileURL(join(root, 'dist', 'apps', 'server', ...path)).href);
}

/** What is wrong with it the replica says itself. */
async function readConfiguration(file, environment) {
	const { ConfigError, loadConfig } = await compiled('config', 'config.js');
	try {
		return loadConfig({ file, environment });
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		return error.understood;
	}
}

/** Undefined when the history is kept elsewhere, or not at all. */
async function startPostgres(directory, config) {
	if (config['audit.mode'] === 'off' || config['audit.url'] !== '') return undefined;
	const { EmbeddedPostgres } = await compiled('embedded-postgres.js');
	const postgres = new EmbeddedPostgres({ dataDir: directory, port: config['audit.postgresPort'] });
	try {
		const url = await postgres.start();
		return { url, stop: () => postgres.stop() };
	} catch (error) {
		throw new PrepareError(error.message);
	}
}

class Replica {
	/** How it ended, in words. */
	end;
	ended;
	#id;
	#file;
	#openFile;
	#child;

	constructor(id, file, environment) {
		this.#id = id;
		this.#file = file;
		this.#openFile = join(file, '..', 'serving');
		rmSync(this.#openFile, { force: true });
		const main = join(root, 'dist', 'apps', 'server', 'main.js');
		// A group of its own: Ctrl-C is for this process, which then stops each replica once.
		this.#child = spawn(node24, [...nodeFlags, main, '--config', file], {
			env: { ...environment, CK_READY_FILE: this.#openFile },
			stdio: ['ignore', 'pipe', 'pipe'],
			detached: true,
		});
		for (const [from, to] of [
			[this.#child.stdout, process.stdout],
			[this.#child.stderr, process.stderr],
		]) {
			createInterface({ input: from }).on('line', (line) => to.write(`${id} | ${line}\n`));
		}
		this.ended = new Promise((done) => {
			this.#child.once('error', (error) => this.#finish(`could not be started: ${error.message}`, done));
			this.#child.once('close', (code, signal) => this.#finish(`ended with ${signal ?? `code ${code}`}`, done));
		});
	}

	/** Whether its doors are open. */
	get isOpen() {
		return existsSync(this.#openFile);
	}

	get id() {
		return this.#id;
	}

	kill(signal) {
		if (this.end === undefined) this.#child.kill(signal);
	}

	/** One of three may end; how to bring it back is worth knowing. */
	tellOfItsEnd(directory, isPostgresOurs, stopping) {
		void this.ended.then(() => {
			if (stopping.aborted) return;
			const url = isPostgresOurs ? `CK_AUDIT_URL="$(cat '${shown(join(directory, 'postgres.url'))}')" ` : '';
			const again = `${url}npx ck server --config '${shown(this.#file)}'`;
			console.log(`\nReplica ${this.#id} ${this.end}. To start it again, in another terminal:\n  ${again}\n`);
		});
	}

	#finish(end, done) {
		this.end = end;
		rmSync(this.#openFile, { force: true });
		done();
	}
}

/** Until every replica serves, or the start is given up. Its doors open before it has found the others. */
async function serving(replicas, configs, stopping) {
	for (const [index, replica] of replicas.entries()) {
		while (!stopping.aborted && !(replica.isOpen && (await isReady(configs[index])))) {
			const gone = replicas.find(({ end }) => end !== undefined);
			if (gone !== undefined) throw new PrepareError(`Replica ${gone.id} ${gone.end} before it served: see above.`);
			await sleep(50);
		}
	}
}

async function isReady(config) {
	try {
		const url = `http://${connectable(config.httpAddress)}:${config.httpPort}/health/ready`;
		return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
	} catch {
		return false;
	}
}

function stop(replicas) {
	for (const replica of replicas) replica.kill('SIGTERM');
}

function aborted(signal) {
	return new Promise((done) => {
		if (signal.aborted) done();
		else signal.addEventListener('abort', () => done(), { once: true });
	});
}

function addresses(directory, configs, postgresUrl) {
	const at = (address, port) => `${connectable(address)}:${port}`;
	const clients = configs
		.filter(({ clientPort }) => clientPort !== 0)
		.map((config) => at(config.clientPortAddress, config.clientPort));
	const rows = configs.map((config, index) => [
		`replica ${ids[index]}`,
		`ZooKeeper ${config.clientPort === 0 ? 'no client port' : at(config.clientPortAddress, config.clientPort)}   gRPC ${at(config.grpcAddress, config.grpcPort)}   HTTP http://${at(config.httpAddress, config.httpPort)}/`,
	]);
	rows.push(['data', shown(directory)]);
	rows.push(['PostgreSQL', postgresUrl === '' ? 'none (audit.mode=off)' : withoutPassword(postgresUrl, configs[0])]);
	rows.push(['', '']);
	rows.push(['try', `npx ck --server ${at(configs[0].grpcAddress, configs[0].grpcPort)} create /hello world`]);
	if (clients.length > 0) rows.push(['', `bin/zkCli.sh -server ${clients.join(',')} ls /`]);
	const lines = rows.map(([name, text]) => `  ${name.padEnd(11)} ${text}`.trimEnd());
	return ['', 'The ensemble is up; Ctrl-C stops it.', '', ...lines, ''].join('\n');
}

/** An address that stands for all of them is not one to connect to. */
function connectable(address) {
	if (address === '' || address === '0.0.0.0' || address === '::') return '127.0.0.1';
	return address.includes(':') ? `[${address}]` : address;
}

/** The password of the embedded one is for whoever sits here; that of an operator's own is not printed. */
function withoutPassword(url, config) {
	if (config['audit.url'] === '') return url;
	const parsed = new URL(url);
	if (parsed.password !== '') parsed.password = '***';
	return parsed.href;
}

function shown(path) {
	const short = relative(process.cwd(), path);
	return short !== '' && !short.startsWith('..') ? short : path;
}

await explained(main);
