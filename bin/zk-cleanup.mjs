/** Purges a data directory: `zk-cleanup.mjs ZOO_CFG -n COUNT`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PrepareError, prepare, root } from './prepare.mjs';

const [file, option, count] = process.argv.slice(2);

try {
	const retain = Number(count);
	if (option !== '-n' || !Number.isInteger(retain) || retain < 3) {
		throw new PrepareError(
			'Usage: zkCleanup.sh [--config <conf-dir>] -n count\n\tcount: how many of the newest snapshots to leave, at least 3',
			1,
		);
	}
	prepare();
	const compiled = (path) => import(pathToFileURL(join(root, 'dist', path)).href);
	const { loadConfig } = await compiled('apps/server/config/config.js');
	const { DataDirectory } = await compiled('libs/storage/data-directory.js');
	const { purge } = await compiled('libs/storage/purge.js');
	const config = loadConfig({ file, environment: process.env });
	const keepFromZxid = (await mirrored(config, compiled)) + 1;
	for (const removed of purge(new DataDirectory(config.dataDir, config.dataLogDir), { retain, keepFromZxid })) {
		console.log(`Removed ${removed.path}`);
	}
	process.exit(0);
} catch (error) {
	console.error(error.message);
	process.exitCode = error.exitCode ?? 1;
}

/** The last zxid that the history has: what comes behind is needed for it. */
async function mirrored(config, compiled) {
	if (config['audit.mode'] === 'off') return Number.MAX_SAFE_INTEGER - 1;
	const noted = join(config.dataDir, 'postgres.url');
	const url = config['audit.url'] || (existsSync(noted) ? readFileSync(noted, 'utf8').trim() : '');
	if (url === '')
		throw new Error(`There is no history yet (${noted}): nothing is removed before it has what the logs hold.`);
	const { History } = await compiled('libs/audit/history.js');
	try {
		return await new History(url).lastZxid();
	} catch (error) {
		throw new Error(
			`Nothing is removed: the history's PostgreSQL does not say what it has (${error.message}). The embedded one runs while the server does.`,
		);
	}
}
