import type { Command } from 'commander';
import type { SessionId } from '#jute/scalars';
import { countArgument, pathArgument, sessionArgument } from '../arguments.ts';
import { withHistory } from '../audit-database.ts';
import type { CommandContext } from '../command-context.ts';
import { UsageFailure } from '../failure.ts';
import { txnList } from '../history/print-txns.ts';
import { type Moment, momentArgument, momentText, zxidFrom, zxidThrough } from '../restore/moment.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../shared-options.ts';

interface Options extends DatabaseOptions {
	readonly recursive?: boolean;
	readonly from?: Moment;
	readonly to?: Moment;
	readonly session?: SessionId;
	readonly type?: string;
	readonly limit?: number;
	readonly follow?: boolean;
}

export function addHistory(program: Command, context: CommandContext): void {
	const command = program
		.command('history')
		.summary('who changed what, when')
		.description(
			'Prints transactions in the order of their zxids, failed ones included, and the gaps between them. With --follow goes on with what is committed next, until Ctrl-C.',
		)
		.argument('[path]', 'only what touched this node', pathArgument)
		.option('-r, --recursive', 'what touched something below the path too')
		.option('--from <zxid|time>', 'not before this zxid, or a time like "2026-11-20 14:00+01"', momentArgument)
		.option('--to <zxid|time>', 'not behind this zxid, or a time', momentArgument)
		.option('--session <id>', 'only what this session did', sessionArgument)
		.option(
			'--type <type>',
			"only this type, in ZooKeeper's words: create, setData, delete, multi, closeSession, error …",
		)
		.option('--limit <n>', 'at most so many', countArgument)
		.option('-f, --follow', 'go on with what is committed next');
	addDatabaseOptions(command).action(async (path: string | undefined, _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		if (options.recursive && path === undefined) throw new UsageFailure('--recursive needs a path');
		if (options.follow && options.to !== undefined) throw new UsageFailure('--follow has no end: leave --to out');
		const list = txnList(terminal);
		const interrupted = options.follow ? context.interrupted() : undefined;
		await withHistory(options, async (history) => {
			let shown = 0;
			const { recursive, session, type, limit } = options;
			const from = options.from && (await zxidFrom(options.from, history));
			const to = options.to && (await zxidThrough(options.to, history));
			for (const moment of [options.from, options.to]) {
				if (moment !== undefined && 'ms' in moment && moment.isLocal) terminal.note(`${momentText(moment)} was meant`);
			}
			for await (const batch of history.txns(
				{ path, recursive, from, to, session, type, limit },
				options.follow === true,
				interrupted,
			)) {
				for (const entry of batch) {
					if ('afterZxid' in entry) list.gap(entry);
					else list.txn(entry);
				}
				shown += batch.length;
				list.flush();
				if (!(await terminal.keepUp())) return;
			}
			list.flush();
			if (shown === 0 && !terminal.json && !options.follow) terminal.note('no transaction matches');
		});
	});
}
