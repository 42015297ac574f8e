import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import type { Zxid } from '#jute/scalars';
import { zxidArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { exitCodes, Failure, UsageFailure } from '../failure.ts';
import { addOutputOptions, optionsOf } from '../shared-options.ts';

interface Options {
	readonly verify?: boolean;
	readonly nodes?: boolean;
	readonly from?: Zxid;
	readonly to?: Zxid;
	readonly logDir?: string;
}

interface Found {
	readonly path: string;
	readonly zxid: Zxid;
	readonly isLog: boolean;
}

export function addLog(program: Command, context: CommandContext): void {
	const command = program
		.command('log')
		.summary('print or verify transaction logs and snapshots')
		.description(
			'Prints the transactions of a log, or the nodes of a snapshot; of a directory all logs, and what its snapshots hold.\n' +
				'With --verify replays the directory and compares every digest. Nothing is written.',
		)
		.argument('<dir-or-file>', 'a data directory (with or without version-2), log.ZXID or snapshot.ZXID')
		.option('--verify', 'replay the directory; exit code 0 only when every digest agrees and no file is damaged')
		.option('--nodes', 'every session and node of the snapshots of a directory, not only how many')
		.option('--from <zxid>', 'not before this zxid', zxidArgument)
		.option('--to <zxid>', 'not behind this zxid', zxidArgument)
		.option('--log-dir <dir>', 'where the logs are, when dataLogDir is another directory than dataDir');
	addOutputOptions(command).action(async (target: string, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		if (!existsSync(target)) throw new Failure(`${target} is not there`);
		const isDirectory = statSync(target).isDirectory();
		if (options.verify) {
			if (!isDirectory) throw new UsageFailure('--verify needs the directory: a file alone cannot be replayed');
			await verify(context, target, options);
		} else if (isDirectory) await printDirectory(context, target, options);
		else await orFailure(() => printFile(context, target, options, true));
	});
}

async function verify(context: CommandContext, directory: string, options: Options): Promise<void> {
	if (options.from !== undefined)
		throw new UsageFailure('--verify replays from the oldest snapshot on: leave --from out');
	const { verifyDirectory } = await import('../log/verify.ts');
	await requireFiles(directory, options);
	await orFailure(async () => verifyDirectory(context, directory, { dataLogDir: options.logDir, until: options.to }));
}

/** In the order of the zxids. A damaged file is reported, and the next one printed all the same. */
async function printDirectory(context: CommandContext, directory: string, options: Options): Promise<void> {
	const { StorageDamage } = await import('#storage/damage');
	for (const file of inRange(await requireFiles(directory, options), options)) {
		try {
			if (!(await printFile(context, file, options, options.nodes === true))) return;
		} catch (error) {
			if (!(error instanceof StorageDamage)) throw error;
			context.terminal.error(error.message);
			context.setExitCode(exitCodes.failed);
		}
	}
}

async function requireFiles(directory: string, options: Options): Promise<Found[]> {
	const { DataDirectory } = await import('#storage/data-directory');
	const found = new DataDirectory(directory, options.logDir);
	const files: Found[] = [
		...found.snapshots().map((file) => ({ ...file, isLog: false })),
		...found.logs().map((file) => ({ ...file, isLog: true })),
	].sort((a, b) => a.zxid - b.zxid);
	if (files.length === 0) {
		throw new Failure(
			`${directory} has no log.ZXID and no snapshot.ZXID, nor has its version-2`,
			'Name the data directory of a replica (dataDir of its zoo.cfg). Files that were packed must be unpacked first.',
		);
	}
	return files;
}

/** With a range, snapshots are left out, and logs that end before it or begin behind it. */
function inRange(files: readonly Found[], { from, to }: Options): string[] {
	if (from === undefined && to === undefined) return files.map((file) => file.path);
	const logs = files.filter((file) => file.isLog);
	const first = from === undefined ? 0 : logs.findLastIndex((log) => log.zxid <= from);
	const wanted = logs.slice(Math.max(0, first)).filter((log) => to === undefined || log.zxid <= to);
	return wanted.map((log) => log.path);
}

/** @returns false when nobody reads any more. */
async function printFile(context: CommandContext, file: string, options: Options, nodes: boolean): Promise<boolean> {
	const magic = firstBytes(file);
	if (magic === 'ZKSN') {
		const { printSnapshot } = await import('../log/print-snapshot.ts');
		return printSnapshot(context.terminal, file, nodes);
	}
	if (magic !== 'ZKLG' && !/(^|\/)log\.[0-9a-f]+$/i.test(file)) {
		throw new Failure(
			`${file} is neither a transaction log nor a snapshot: it begins with ${JSON.stringify(magic)}, not with ZKLG or ZKSN`,
			'Files that were packed must be unpacked first.',
		);
	}
	const { printLog } = await import('../log/print-log.ts');
	return printLog(context.terminal, file, options);
}

function firstBytes(file: string): string {
	const fd = openSync(file, 'r');
	try {
		const bytes = Buffer.alloc(4);
		return bytes.toString('latin1', 0, readSync(fd, bytes, 0, 4, 0));
	} finally {
		closeSync(fd);
	}
}

async function orFailure<T>(work: () => Promise<T>): Promise<T> {
	const { StorageDamage } = await import('#storage/damage');
	try {
		return await work();
	} catch (error) {
		if (error instanceof StorageDamage) throw new Failure(error.message);
		throw error;
	}
}
