/**
 * For the zk*.sh scripts: makes the clone ready, reads the configuration, and prints what a shell needs of it, one value per line, in the order of `lines`.
 * `--lenient`: what can be understood of a configuration that a server would refuse; a running server must be found nevertheless.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeFlags } from './node-flags.mjs';
import { explained, node24, PrepareError, prepare, root } from './prepare.mjs';

const [file, lenient] = process.argv.slice(2);

await explained(async () => {
	if (file === undefined) throw new PrepareError('zk-settings.mjs needs the path of a zoo.cfg.', 2);
	const reader = join(root, 'dist', 'apps', 'server', 'config', 'config.js');
	// A server that runs is stopped with what it was started with, whatever the sources are meanwhile.
	if (lenient !== '--lenient' || !existsSync(reader)) prepare();
	const { ConfigError, loadConfig } = await import(pathToFileURL(reader).href);
	print(read());

	function read() {
		try {
			return loadConfig({ file, environment: process.env });
		} catch (error) {
			if (!(error instanceof ConfigError)) throw error;
			if (lenient === '--lenient') return error.understood;
			throw new PrepareError(`The configuration cannot be used: ${error.message}`, 2);
		}
	}
});

function print(config) {
	const lines = [
		node24,
		join(root, 'dist', 'apps', 'server', 'main.js'),
		nodeFlags.join(' '),
		config.dataDir,
		config.dataLogDir,
		config.clientPort,
		config.clientPortAddress,
		config['shutdown.timeoutMs'],
	];
	process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}
