import { type Command, Option } from 'commander';
import type { ExportFormat } from '#audit/verify/export';
import type { Zxid } from '#jute/scalars';
import { zxidArgument } from '../../arguments.ts';
import { withDatabase } from '../../audit-database.ts';
import type { CommandContext } from '../../command-context.ts';
import { Progress } from '../../progress.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../../shared-options.ts';
import { count, duration, size } from '../../view/text.ts';

interface Options extends DatabaseOptions {
	readonly from?: Zxid;
	readonly to?: Zxid;
	readonly format: ExportFormat;
	readonly into: string;
}

export function addAuditExport(audit: Command, context: CommandContext): void {
	const command = audit
		.command('export')
		.summary('write the history, or a part of it, into files')
		.description(
			'Writes one file for each table, and manifest.json with the SHA-256 of each. `ck audit verify --export DIR` verifies it without the database.\n' +
				'A part has all that it takes to make the tree in front of it: what came since the base before it.',
		)
		.requiredOption('--into <dir>', 'a directory that is empty or not there yet')
		.addOption(
			new Option('--format <format>', 'newline JSON or CSV (RFC 4180)').choices(['ndjson', 'csv']).default('ndjson'),
		)
		.option('--from <zxid>', 'the first transaction (default: the beginning)', zxidArgument)
		.option('--to <zxid>', 'the last one (default: the end)', zxidArgument);
	addDatabaseOptions(command).action(async (_: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		const progress = new Progress(terminal, 'export');
		const { from, to, format, into: intoDir } = options;
		const manifest = await withDatabase(options, async (url) => {
			const [{ DatabaseRows }, { exportHistory }] = await Promise.all([
				import('#audit/verify/database-rows'),
				import('#audit/verify/export'),
			]);
			const rows = await DatabaseRows.open(url);
			try {
				return await exportHistory(rows, await rows.schema(), {
					...(from === undefined ? {} : { from }),
					...(to === undefined ? {} : { to }),
					format,
					intoDir,
					progress: (table, written, done, total) =>
						progress.update({ done, total, detail: `${table}, ${count(written)} rows` }),
				});
			} finally {
				progress.stop();
				await rows.close();
			}
		});
		if (terminal.json) {
			terminal.object(manifest);
			return;
		}
		for (const { file, rows, bytes } of manifest.files) terminal.line(`${file}  ${count(rows)} rows  ${size(bytes)}`);
		const range = manifest.first === null ? 'nothing' : `${manifest.first.zxid} to ${manifest.last!.zxid}`;
		terminal.line(`${range} in ${intoDir}, in ${duration(progress.elapsedMs)}`);
		terminal.note(`Keep ${intoDir}/manifest.json.sha256 somewhere else: it vouches for all of it.`);
	});
}
