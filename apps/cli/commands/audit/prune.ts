import { type Command, InvalidArgumentError } from 'commander';
import type { PrunePlan } from '#audit/prune-plan';
import { countArgument } from '../../arguments.ts';
import { withDatabase } from '../../audit-database.ts';
import type { CommandContext } from '../../command-context.ts';
import { UsageFailure } from '../../failure.ts';
import { Progress } from '../../progress.ts';
import { type Moment, momentArgument } from '../../restore/moment.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../../shared-options.ts';
import type { Terminal } from '../../terminal.ts';
import { count, hex, size, time } from '../../view/text.ts';

interface Options extends DatabaseOptions {
	readonly before?: Moment;
	readonly keepLast?: number;
	readonly maxSize?: number;
	readonly reason?: string;
	readonly dryRun?: boolean;
}

export function addPrune(audit: Command, context: CommandContext): void {
	const command = audit
		.command('prune')
		.summary('remove the oldest part of the history from PostgreSQL')
		.description(
			'Removes the oldest partitions of the history and keeps the tree from there on as a base. Whole partitions go, never the newest: what is kept may\n' +
				'reach further back than was asked for. Mirror and readers go on meanwhile. What a prune that was cut off left, the next one finishes.',
		)
		.option('--before <zxid|time>', 'keep what is not older, like 0x500000012 or "2026-11-20 14:00+01"', momentArgument)
		.option('--keep-last <txns>', 'keep at least so many of the newest transactions', countArgument)
		.option(
			'--max-size <size>',
			'remove no more than is needed for the history to take up this, like 200GB',
			sizeArgument,
		)
		.option('--reason <text>', 'why: stands in the history')
		.option('--dry-run', 'shows what would go, and removes nothing');
	addDatabaseOptions(command).action(async (_: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { before, keepLast, maxSize } = options;
		if (before === undefined && keepLast === undefined && maxSize === undefined) {
			throw new UsageFailure('what is to be kept? Name it with --before, --keep-last or --max-size');
		}
		const { terminal } = context;
		const plan = await withDatabase(options, (url) => pruned(url, options, terminal));
		if (terminal.json) terminal.object(planObject(plan, options.dryRun === true));
		else print(terminal, plan, options.dryRun === true);
	});
}

async function pruned(url: string, options: Options, terminal: Terminal): Promise<PrunePlan> {
	const { before, keepLast, maxSize, reason, dryRun = false } = options;
	const { pruneDatabase } = await import('#audit/prune-database');
	const request = {
		...(before !== undefined && ('zxid' in before ? { before: before.zxid } : { beforeMs: before.ms })),
		...(keepLast !== undefined && { keepLast }),
		...(maxSize !== undefined && { maxBytes: maxSize }),
	};
	const progress = new Progress(terminal, 'prune');
	let done = 0;
	try {
		return await pruneDatabase(url, request, {
			dryRun,
			...(reason !== undefined && { reason }),
			step: (step) => progress.update({ done: ++done, total: 0, detail: step }),
		});
	} finally {
		progress.stop();
	}
}

function print(terminal: Terminal, plan: PrunePlan, dryRun: boolean): void {
	const { through, partitions, txns, bytes, totalBytes, lastMs, nextBound } = plan;
	if (through === null) {
		const next =
			nextBound === null
				? 'No partition is complete yet.'
				: `The oldest partition ends with ${hex(nextBound)}, and something of it is to be kept.`;
		terminal.line(`Nothing to remove. ${next}`);
		return;
	}
	const until = lastMs === null ? '' : `, of ${time(lastMs)}`;
	const parts = partitions.length === 1 ? '1 partition' : `${partitions.length} partitions`;
	terminal.line(
		`${dryRun ? 'Would remove' : 'Removed'} the transactions up to ${hex(through)}${until}: about ${count(txns)} in ${parts}, ${size(bytes)} of ${size(totalBytes)}.`,
	);
	terminal.line(`The history ${dryRun ? 'would begin' : 'begins'} with the tree right after ${hex(through)}.`);
}

function planObject(plan: PrunePlan, dryRun: boolean): object {
	return {
		dryRun,
		through: plan.through === null ? null : hex(plan.through),
		throughTime: plan.lastMs === null ? null : new Date(plan.lastMs).toISOString(),
		partitions: plan.partitions.length,
		txns: plan.txns,
		bytes: plan.bytes,
		totalBytes: plan.totalBytes,
		nextBound: plan.nextBound === null ? null : hex(plan.nextBound),
	};
}

const sizes: Readonly<Record<string, number>> = { MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

function sizeArgument(text: string): number {
	const [, number = '', unit = ''] = /^([0-9]+)(MB|GB|TB)$/.exec(text) ?? [];
	const bytes = Number(number) * (sizes[unit] ?? Number.NaN);
	if (!Number.isSafeInteger(bytes))
		throw new InvalidArgumentError(`"${text}" is not a size: write 500MB, 200GB or 2TB.`);
	return bytes;
}
