import type { Command } from 'commander';
import type { Zxid } from '#jute/scalars';
import { countArgument, pathArgument, uint32Argument, zxidArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { UsageFailure } from '../failure.ts';
import { type IntoOptions, restoreInto } from '../restore/into.ts';
import { abortLive, type LiveOptions, listLive, resumeLive, undoLive } from '../restore/live.ts';
import { type Moment, timeArgument } from '../restore/moment.ts';
import { addDatabaseOnly, addServerOptions, optionsOf } from '../shared-options.ts';

interface Options extends IntoOptions, LiveOptions {
	readonly to?: Zxid;
	readonly at?: Moment;
	readonly into?: string;
	readonly live?: boolean;
	readonly path?: string;
	readonly resume?: number;
	readonly abort?: number;
	readonly list?: boolean;
}

export function addRestore(program: Command, context: CommandContext): void {
	const command = program
		.command('restore')
		.summary('the state at a zxid again: in a running cluster, or in data directories')
		.description(
			'With --live: makes the tree, or what is at and below a path, what it was right after a transaction, while the cluster serves. These are ordinary\n' +
				'transactions: nothing in the history is rewritten, and a restore can itself be undone. Takes the role `restore`. Ephemeral nodes, /zookeeper and\n' +
				'/chronokeeper stay as they are. What others write meanwhile is found and not overwritten.\n\n' +
				'With --into: makes data directories with exactly the tree of then, from PostgreSQL alone, and verifies them: the digest is the one that the cluster\n' +
				'recorded, or nothing is made. Chronokeeper and Apache ZooKeeper start from them, in a new epoch; the sessions of then are ended.',
		)
		.option('--to <zxid>', 'the state right after this transaction, hexadecimal or decimal', zxidArgument)
		.option('--at <time>', 'the state at this time, like "2026-11-20 14:00+01"', timeArgument)
		.option('--live', 'in the running cluster')
		.option('--path <prefix>', 'live: only this node and what is below it', pathArgument)
		.option('--dry-run', 'live: shows what it would do, and does nothing')
		.option('--reason <text>', 'live: why; stands in the history')
		.option('--force', 'live: overwrites what others write meanwhile')
		.option('--unchanged-since <zxid>', 'live: overwrites nothing written behind it', zxidArgument)
		.option('--resume <id>', 'live: goes on with one that stands still', uint32Argument)
		.option('--abort <id>', 'live: gives one up; what it has done stays', uint32Argument)
		.option('--list', 'live: all there were')
		.option('--into <dir>', 'into a directory that is empty or not there yet')
		.option('--servers <n>', 'into: for servers 1 to n of an ensemble, each a directory in <dir>', countArgument)
		.option('--for <zoo.cfg>', 'into: for the servers that this configuration names, each a directory in <dir>')
		.option(
			'--epoch <n>',
			'into: the epoch to begin with, above every one there ever was (default: one more than the newest in the history)',
			uint32Argument,
		)
		.option('--keep-sessions', 'into: the sessions of then go on')
		.option('--without-redacted', 'into: nodes whose data were kept out of PostgreSQL are made without data');
	addDatabaseOnly(addServerOptions(command)).action(async (_: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { resume, abort, list = false, into, live = false, path = '' } = options;
		const ways = [resume !== undefined, abort !== undefined, list, into !== undefined, live];
		if (ways.filter((isGiven) => isGiven).length !== 1) {
			throw new UsageFailure('how? Give one of --live, --into DIR, --resume ID, --abort ID and --list');
		}
		if (resume !== undefined) await resumeLive(context, resume, options);
		else if (abort !== undefined) await abortLive(context, abort, options);
		else if (list) await listLive(context, options);
		else if (into !== undefined) await restoreInto(context, momentOf(options), into, options);
		else await undoLive(context, { target: targetOf(momentOf(options)), path }, options);
	});
}

function momentOf({ to, at }: Options): Moment {
	if (to !== undefined && at === undefined) return { zxid: to };
	if (at !== undefined && to === undefined) return at;
	throw new UsageFailure('which state? Give --to ZXID or --at TIME');
}

function targetOf(moment: Moment) {
	if ('zxid' in moment) return { $case: 'zxid', value: BigInt(moment.zxid) } as const;
	return { $case: 'timeMs', value: BigInt(moment.ms) } as const;
}
