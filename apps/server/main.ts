/** The server's process: arguments, configuration, start, signals. `ck server` and `npm start` run it. */
import { writeFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import { formatZxid } from '#core/model/zxid';
import { StorageDamage } from '#storage/damage';
import { isReadable, type Logger } from '#telemetry/logger';
import { banner } from './banner.ts';
import { ConfigError, loadConfig, type ServerConfig } from './config/config.ts';
import { readSecurity, SecurityProblem } from './grpc/identity/tls-files.ts';
import type { RunningServer } from './start-server.ts';
import { version } from './version.ts';

const usage = `Starts a Chronokeeper replica.

  --config FILE   zoo.cfg: ZooKeeper's keys and our own (docs/configuration.md); CK_CONFIG names it too
  --check         read the configuration, say what is wrong, and end
  --version       print the version
  --help          print this

Every key has an environment variable: dataDir is CK_DATA_DIR. Without a configuration: ./data, loopback ports 2181, 50051 and 8080.
`;

/** Of the process, imports included. */
const startMs = 0;

async function main(): Promise<number | undefined> {
	let values: { config?: string; check?: boolean; version?: boolean; help?: boolean };
	try {
		({ values } = parseArgs({
			options: {
				config: { type: 'string' },
				check: { type: 'boolean' },
				version: { type: 'boolean' },
				help: { type: 'boolean', short: 'h' },
			},
		}));
	} catch (error) {
		process.stderr.write(`${(error as Error).message}\n\n${usage}`);
		return 2;
	}
	if (values.help) return say(usage);
	if (values.version) return say(`${version}\n`);
	let config: ServerConfig;
	try {
		config = loadConfig({ file: values.config ?? process.env.CK_CONFIG, environment: process.env });
		if (values.check) await readSecurity(config);
	} catch (error) {
		if (!(error instanceof ConfigError || error instanceof SecurityProblem)) throw error;
		process.stderr.write(`The configuration cannot be used: ${error.message}\n`);
		return 2;
	}
	if (values.check) return say(['The configuration is good.', ...config.notes, ...config.warnings, ''].join('\n'));
	return serve(config);
}

async function serve(config: ServerConfig): Promise<number | undefined> {
	// Loaded when it is needed: the other answers come faster without the server.
	const { defaultLogger, startServer } = await import('./start-server.ts');
	const logger = defaultLogger(config);
	const stopped = stopSignal();
	let server: RunningServer;
	try {
		server = await startServer(config, logger);
	} catch (error) {
		// What a person can act on needs no stack.
		const isKnown = error instanceof StorageDamage || error instanceof SecurityProblem;
		const expected = isKnown || (error as Error).message?.includes('cannot be listened on');
		logger.fatal(expected ? {} : { err: error }, `cannot start: ${(error as Error).message}`);
		return 1;
	}
	tellLauncher(logger);
	const { addresses, recovery } = server;
	if (isReadable({ format: config['log.format'] })) {
		// A moment for the embedded PostgreSQL, so that its address can be shown.
		if (server.mirror !== undefined) await Promise.race([server.mirror.firstAttempt, stopped.promise, pause(15_000)]);
		process.stdout.write(banner(server, startMs));
	} else {
		logger.info(
			{
				version,
				...(addresses.zookeeper === undefined ? {} : { zookeeper: addresses.zookeeper }),
				grpc: addresses.grpc,
				http: addresses.http,
				dataDir: config.dataDir,
				zxid: formatZxid(recovery.recovered.lastZxid),
				znodes: server.replica.host.tree.size,
				txnsReplayed: recovery.recovered.txnsReplayed,
				recoveryMs: Math.round(recovery.durationMs),
				startMs: Math.round(performance.now() - startMs),
			},
			'serving',
		);
	}
	const signal = await stopped.promise;
	logger.info(`${signal}: stopping; once more to stop at once`);
	await server.close();
	return 0;
}

/** `zkServer.sh start` waits for this file; its server outlives the terminal, whose end Node would otherwise take for its own. */
function tellLauncher(logger: Logger): void {
	// Also for a server that is killed one day: the next start need not compile.
	flushCompileCache();
	const file = process.env.CK_READY_FILE;
	if (file === undefined || file === '') return;
	process.on('SIGHUP', () => logger.info('SIGHUP: the terminal is gone, the server stays'));
	try {
		writeFileSync(file, `${process.pid}`);
	} catch (error) {
		logger.warn({ err: error }, `${file} (CK_READY_FILE) cannot be written`);
	}
}

/** The first signal asks for a clean stop, the second ends the process: the log has everything that was acknowledged. */
function stopSignal(): { readonly promise: Promise<string> } {
	let seen = false;
	const promise = new Promise<string>((resolve) => {
		for (const signal of ['SIGINT', 'SIGTERM'] as const) {
			process.on(signal, () => {
				if (seen) process.exit(130);
				seen = true;
				resolve(signal);
			});
		}
	});
	return { promise };
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

function say(text: string): number {
	process.stdout.write(text);
	return 0;
}

const code = await main();
// Nothing that is left (a worker, a socket of a library) may keep a stopped server alive.
if (code !== undefined) process.exit(code);
