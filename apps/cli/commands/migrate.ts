import type { Command } from 'commander';
import { withDatabase } from '../audit-database.ts';
import type { CommandContext } from '../command-context.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../shared-options.ts';

export function addMigrate(program: Command, context: CommandContext): void {
	const command = program
		.command('migrate')
		.summary('bring the schema of the history up to date')
		.description(
			'Makes the schema chronokeeper in PostgreSQL, or brings it to the newest version, while whoever writes to it goes on. Servers and `ck import` do it themselves;\n' +
				'for those whose user may only write (chronokeeper_writer) the owner of the schema does it with this.',
		);
	addDatabaseOptions(command).action(async (_: unknown, self: Command) => {
		const { terminal } = context;
		const { migrateToLatest } = await import('#audit/migrate');
		const { applied, notices } = await withDatabase(optionsOf<DatabaseOptions>(self), (url) => migrateToLatest(url));
		for (const notice of notices) terminal.warn(notice);
		if (terminal.json) terminal.object({ applied, notices });
		else terminal.line(applied.length === 0 ? 'the schema is the newest already' : `applied: ${applied.join(', ')}`);
	});
}
