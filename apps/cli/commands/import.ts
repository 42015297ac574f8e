import { type Command, Option } from 'commander';
import type { ImportOutcome } from '#audit/import';
import { pathsArgument } from '../arguments.ts';
import { withDatabase } from '../audit-database.ts';
import type { CommandContext } from '../command-context.ts';
import { Progress } from '../progress.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../shared-options.ts';
import type { Terminal } from '../terminal.ts';
import { count, duration, hex, size } from '../view/text.ts';

interface Options extends DatabaseOptions {
	readonly allowDigestMismatch?: boolean;
	readonly redact?: readonly string[];
}

export function addImport(program: Command, context: CommandContext): void {
	const command = program
		.command('import')
		.summary('read data directories into PostgreSQL')
		.description(
			'Reads the data directories of one server, or of several servers of one ensemble, into PostgreSQL as one history: snapshots and\n' +
				'logs, all epochs. Nothing is written to the directories. What cannot be decided becomes a gap. Run twice, it adds nothing.',
		)
		.argument('<dir...>', 'data directories, with or without version-2; of Apache ZooKeeper or of Chronokeeper')
		.option('--allow-digest-mismatch', 'go on where the tree does not have the digest that the log says')
		.addOption(
			new Option(
				'--redact <paths>',
				'separated by commas: data of these nodes and of those below stay out of PostgreSQL',
			)
				.env('CK_AUDIT_REDACT')
				.argParser(pathsArgument),
		);
	addDatabaseOptions(command).action(async (dirs: string[], _: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		const { importDirectories } = await import('#audit/import');
		const progress = new Progress(terminal, 'import');
		const outcome = await withDatabase(options, async (url) => {
			try {
				return await importDirectories(dirs, url, {
					allowDigestMismatch: options.allowDigestMismatch === true,
					...(options.redact && { redact: options.redact }),
					progress: ({ phase, done, total }) =>
						progress.update({
							done,
							total,
							detail:
								phase === 'scan'
									? `reading, ${size(done)} of ${size(total)}`
									: `${count(done)} of ${count(total)} txns`,
						}),
				});
			} finally {
				progress.stop();
			}
		});
		for (const warning of outcome.warnings) terminal.warn(warning);
		if (terminal.json) terminal.object(outcomeObject(outcome));
		else print(terminal, outcome, progress.elapsedMs);
	});
}

function print(terminal: Terminal, outcome: ImportOutcome, elapsedMs: number): void {
	const { txns, lastZxid, digest, gaps, uncommitted } = outcome;
	if (txns === 0) {
		terminal.line(`nothing new: the history goes to ${hex(lastZxid)} already`);
	} else {
		const rate = count(Math.round(txns / (elapsedMs / 1000)));
		terminal.line(
			`${count(txns)} txns imported, last zxid ${hex(lastZxid)}, digest ${digest}, in ${duration(elapsedMs)} (${rate} txns/s)`,
		);
	}
	for (const gap of gaps) {
		terminal.line(`gap from ${hex(gap.afterZxid)} to ${hex(gap.throughZxid)} (${gap.kind}): ${gap.reason}`);
	}
	for (const { server, first, last } of uncommitted) {
		terminal.line(`never committed, left out: ${hex(first)} to ${hex(last)} of ${server}`);
	}
}

function outcomeObject({ txns, lastZxid, digest, gaps, uncommitted, warnings }: ImportOutcome): object {
	return {
		txns,
		lastZxid: hex(lastZxid),
		digest: digest.toString(),
		gaps: gaps.map((gap) => ({ ...gap, afterZxid: hex(gap.afterZxid), throughZxid: hex(gap.throughZxid) })),
		uncommitted: uncommitted.map(({ server, first, last }) => ({ server, first: hex(first), last: hex(last) })),
		warnings,
	};
}
