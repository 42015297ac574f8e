import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Command, Option } from 'commander';
import type { QuorumServer } from '#core/zab/quorum-config';
import { countArgument, databaseArgument } from '../arguments.ts';
import { serverLines, serverOf, serversOf } from '../attach/ensemble.ts';
import { copyPast } from '../attach/past.ts';
import type { CommandContext } from '../command-context.ts';
import { Failure, UsageFailure } from '../failure.ts';
import { Progress } from '../progress.ts';
import { runServer } from '../server-process.ts';
import { size } from '../view/text.ts';

interface Options {
	readonly into: string;
	readonly id?: number;
	readonly address: string;
	readonly clientPort: number;
	readonly database?: string;
	readonly past: readonly string[];
	readonly tickTime: number;
	readonly initLimit: number;
	readonly syncLimit: number;
	readonly check?: boolean;
}

/** What an observer may have at most; 255 is taken where servers have extended types. */
const largestId = 254;

export function addAttach(program: Command, context: CommandContext): void {
	program
		.command('attach')
		.summary('follow an Apache ZooKeeper ensemble, and have its history in SQL')
		.description(
			'Starts an observer of an ensemble that stays as it is, and serves until Ctrl-C: no server has to be told or started again, and what the ensemble does\n' +
				'from now on is in PostgreSQL. The configuration is written into the directory: `ck server --config DIR/zoo.cfg` is the same from then on.',
		)
		.argument(
			'<servers>',
			'zk1:2888:3888,zk2:2888:3888,… numbered from 1; or 4=zk4:2888:3888,…; or one address of clients, zk1:2181, which is asked',
		)
		.requiredOption('--into <dir>', 'the directory of the observer')
		.option('--id <n>', 'its number, above all others (default: one more than the highest)', countArgument)
		.option(
			'--address <host:port:port>',
			'its own, for the quorum and for elections, as in a server line',
			'127.0.0.1:2889:3889',
		)
		.option('--client-port <n>', 'for clients of ZooKeeper', countArgument, 2182)
		.addOption(
			new Option('--database <url>', 'PostgreSQL (default: one of its own, in the directory)')
				.env('CK_AUDIT_URL')
				.argParser(databaseArgument),
		)
		.option(
			'--past <dir>',
			'the dataDir of one of the servers or a copy of it, and in a second --past its dataLogDir: the history begins with what is kept there',
			(dir: string, dirs: readonly string[]) => [...dirs, dir],
			[],
		)
		.option('--tick-time <ms>', "the ensemble's tickTime", countArgument, 2000)
		.option('--init-limit <ticks>', "the ensemble's initLimit", countArgument, 10)
		.option('--sync-limit <ticks>', "the ensemble's syncLimit", countArgument, 5)
		.option('--check', 'write the configuration, say what is wrong with it, and end')
		.action(async (text: string, options: Options) => {
			const { terminal } = context;
			const file = path.join(options.into, 'zoo.cfg');
			const lines = configuration(await serversOf(text), options);
			writeConfiguration(file, lines, options.into);
			const progress = new Progress(terminal, 'copy');
			if (options.past.length > 0) {
				const bytes = await copyPast({
					from: options.past,
					into: options.into,
					progress: ({ done, total, file: name }) =>
						progress.update({ done, total, detail: `${name}, ${size(done)} of ${size(total)}` }),
				}).finally(() => progress.stop());
				terminal.line(
					bytes === 0 ? `${options.into} has a past already: nothing is copied` : `copied ${size(bytes)} of the past`,
				);
			}
			terminal.line(`${file} names the ensemble; the observer is server.${idOf(lines)}`);
			context.setExitCode(await runServer(context, { config: file, check: options.check === true }));
		});
}

function configuration(servers: readonly QuorumServer[], options: Options): readonly string[] {
	const highest = Math.max(...servers.map(({ id }) => id));
	const id = options.id ?? highest + 1;
	if (id <= highest || id > largestId) {
		throw new UsageFailure(
			`the observer cannot be server.${id}`,
			`Give it a number above ${highest}, which is the highest of the ensemble, and not above ${largestId}: --id.`,
		);
	}
	const own = { ...serverOf(id, options.address), role: 'observer' as const };
	return [
		`tickTime=${options.tickTime}`,
		`initLimit=${options.initLimit}`,
		`syncLimit=${options.syncLimit}`,
		`dataDir=${path.resolve(options.into)}`,
		`clientPort=${options.clientPort}`,
		...serverLines([...servers, own]),
		'peerType=observer',
		`serverId=${id}`,
		`audit.mirroredBy=${id}`,
		...(options.database === undefined ? [] : [`audit.url=${options.database}`]),
	];
}

function idOf(lines: readonly string[]): string {
	return lines.find((line) => line.startsWith('serverId='))!.slice('serverId='.length);
}

/** One that was written before and says the same stays; one that says anything else is somebody's. */
function writeConfiguration(file: string, lines: readonly string[], folder: string): void {
	const text = `${lines.join('\n')}\n`;
	if (existsSync(file)) {
		if (readFileSync(file, 'utf8') === text) return;
		throw new Failure(
			`${file} is there already and says something else`,
			'Start the observer with `ck server --config` and this file, or change it there; or name another directory.',
		);
	}
	mkdirSync(folder, { recursive: true });
	// It may have the password of a database in it.
	writeFileSync(file, text, { mode: 0o600 });
}
