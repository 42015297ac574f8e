import type { Command } from 'commander';
import type { Zxid } from '#jute/scalars';
import { uint32Argument, zxidArgument } from '../arguments.ts';
import { withDatabase } from '../audit-database.ts';
import type { CommandContext } from '../command-context.ts';
import { Progress } from '../progress.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../shared-options.ts';
import { count, duration, hex, size } from '../view/text.ts';

interface Options extends DatabaseOptions {
	readonly to: Zxid;
	readonly into: string;
	readonly epoch?: number;
}

/** Reading, writing and verifying take about as long as each other. */
const phases = ['read', 'write', 'verify'] as const;

export function addRestore(program: Command, context: CommandContext): void {
	const command = program
		.command('restore')
		.summary('make a data directory of the state at a zxid')
		.description(
			'Makes a data directory with exactly the tree that was there right after a transaction, from PostgreSQL alone, and verifies it: its digest is\n' +
				'the one that the cluster recorded, or nothing is made. Chronokeeper and Apache ZooKeeper start from it, in a new epoch.',
		)
		.requiredOption('--to <zxid>', 'hexadecimal or decimal', zxidArgument)
		.requiredOption('--into <dir>', 'a directory that is empty or not there yet')
		.option(
			'--epoch <n>',
			'the epoch it begins with, above every one there ever was (default: one more than the newest in the history)',
			uint32Argument,
		);
	addDatabaseOptions(command).action(async (_: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		const { restore } = await import('#audit/restore');
		const progress = new Progress(terminal, 'restore');
		const restored = await withDatabase(options, async (databaseUrl) => {
			try {
				return await restore({
					databaseUrl,
					zxid: options.to,
					intoDir: options.into,
					...(options.epoch === undefined ? {} : { epoch: options.epoch }),
					progress: ({ phase, nodes, total }) =>
						progress.update({
							done: total === null ? 0 : phases.indexOf(phase) * total + nodes,
							total: total === null ? 0 : phases.length * total,
							detail: `${phase}, ${count(nodes)} nodes`,
						}),
				});
			} finally {
				progress.stop();
			}
		});
		const { file, startZxid, epoch, nodes, sessions, digest, contentHash, bytes } = restored;
		if (terminal.json) {
			terminal.object({
				zxid: hex(options.to),
				digest: digest.toString(),
				file,
				startZxid: hex(startZxid),
				epoch,
				nodes,
				sessions,
				bytes,
				contentHash,
			});
			return;
		}
		terminal.line(
			`restored to ${hex(options.to)}: digest ${digest}, ${count(nodes)} nodes, ${count(sessions)} sessions, in ${duration(progress.elapsedMs)}`,
		);
		terminal.line(
			`${file} (${size(bytes)}); a server that starts from it goes on in epoch ${epoch}, behind ${hex(startZxid)}`,
		);
		terminal.note(`Start it with dataDir=${options.into}, in an ensemble on every server.`);
	});
}
