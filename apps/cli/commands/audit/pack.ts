import type { Command } from 'commander';
import type { Packed } from '#audit/pack';
import { withDatabase } from '../../audit-database.ts';
import type { CommandContext } from '../../command-context.ts';
import { Progress } from '../../progress.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../../shared-options.ts';
import type { Terminal } from '../../terminal.ts';
import { size } from '../../view/text.ts';

interface Options extends DatabaseOptions {
	readonly dryRun?: boolean;
}

export function addPack(audit: Command, context: CommandContext): void {
	const command = audit
		.command('pack')
		.summary('write full partitions of the history once more, without what is free in them')
		.description(
			'Packs every partition that is full and not packed: it is written once more, in order, compared row by row, and exchanged. It says the same as before.\n' +
				'Mirror and readers go on meanwhile. Needs room for the largest table of a partition. The mirror does it by itself with audit.pack=on.',
		)
		.option('--dry-run', 'shows what would be packed, and packs nothing');
	addDatabaseOptions(command).action(async (_: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		const packed = await withDatabase(options, (url) => packedIn(url, options, terminal));
		if (terminal.json) {
			for (const { partition, bytes, bytesAfter } of packed) {
				terminal.object({
					partition,
					bytes,
					...(options.dryRun === true ? { dryRun: true } : { bytesAfter }),
				});
			}
		} else print(terminal, packed, options.dryRun === true);
	});
}

async function packedIn(url: string, { dryRun = false }: Options, terminal: Terminal): Promise<Packed[]> {
	const { packDatabase } = await import('#audit/pack-database');
	const progress = new Progress(terminal, 'pack');
	let done = 0;
	try {
		return await packDatabase(url, {
			dryRun,
			step: (step) => progress.update({ done: ++done, total: 0, detail: step }),
		});
	} finally {
		progress.stop();
	}
}

function print(terminal: Terminal, packed: readonly Packed[], dryRun: boolean): void {
	if (packed.length === 0) {
		terminal.line('Nothing to pack: no partition is full that is not packed.');
		return;
	}
	for (const { partition, bytes, bytesAfter } of packed) {
		terminal.line(dryRun ? `${partition}: ${size(bytes)}` : `${partition}: ${size(bytes)}, now ${size(bytesAfter)}`);
	}
	const sum = (of: (it: Packed) => number) => size(packed.reduce((all, it) => all + of(it), 0));
	terminal.line(
		dryRun
			? `Would pack ${sum((it) => it.bytes)}.`
			: `Packed ${sum((it) => it.bytes)} into ${sum((it) => it.bytesAfter)}.`,
	);
}
