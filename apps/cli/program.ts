/** The command line as a whole: what every command shares. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import type { CommandContext } from './command-context.ts';
import { addAddWatch } from './commands/add-watch.ts';
import { addAt } from './commands/at.ts';
import { addAttach } from './commands/attach.ts';
import { addAudit } from './commands/audit/audit.ts';
import { addBlame } from './commands/blame.ts';
import { addClone } from './commands/clone.ts';
import { addCreate } from './commands/create.ts';
import { addDelete } from './commands/delete.ts';
import { addDiff } from './commands/diff.ts';
import { addDns } from './commands/dns.ts';
import { addGet } from './commands/get.ts';
import { addHistory } from './commands/history.ts';
import { addImport } from './commands/import.ts';
import { addLog } from './commands/log.ts';
import { addLs } from './commands/ls.ts';
import { addMigrate } from './commands/migrate.ts';
import { addMulti } from './commands/multi.ts';
import { addRestore } from './commands/restore.ts';
import { addRevert } from './commands/revert.ts';
import { addServer } from './commands/server.ts';
import { addSet } from './commands/set.ts';
import { addShed } from './commands/shed.ts';
import { addShell } from './commands/shell.ts';
import { addSnapshot } from './commands/snapshot.ts';
import { addStat } from './commands/stat.ts';
import { addStatus } from './commands/status.ts';
import { addTail } from './commands/tail.ts';
import { addTop } from './commands/top.ts';
import { addTree } from './commands/tree.ts';
import { addWords } from './commands/words.ts';
import { packageRoot } from './package-root.ts';
import { addLeadingOptions, type OutputOptions, optionsOf } from './shared-options.ts';

export function makeProgram(context: CommandContext): Command {
	const { terminal } = context;
	const program = new Command('ck')
		.description('Chronokeeper: znodes over gRPC, their whole history in PostgreSQL, restore to any zxid.')
		.version(version(), '-V, --version', 'print the version')
		.helpOption('-h, --help', 'help for any command')
		.helpCommand('help [command]', 'help for a command')
		.configureHelp({ sortSubcommands: false })
		.configureOutput({
			writeOut: (text) => terminal.line(text.trimEnd()),
			writeErr: (text) => terminal.note(text.trimEnd()),
			outputError: (text, write) => write(text.replace(/^error: /, 'ck: ')),
		})
		.showHelpAfterError('ck --help, and ck COMMAND --help, say what there is.')
		.enablePositionalOptions()
		.exitOverride()
		.hook('preAction', (_, command) => {
			const { json, color } = optionsOf<OutputOptions>(command);
			terminal.json = json === true;
			terminal.colorAllowed = color;
		})
		.addHelpText('after', footer);

	addLeadingOptions(program);
	program.commandsGroup('The replica:');
	addServer(program, context);
	addAttach(program, context);
	addStatus(program, context);
	addTop(program, context);
	addSnapshot(program, context);
	addShed(program, context);
	program.commandsGroup('Znodes, over gRPC:');
	addShell(program, context, makeProgram);
	addCreate(program, context);
	addGet(program, context);
	addSet(program, context);
	addDelete(program, context);
	addLs(program, context);
	addStat(program, context);
	addMulti(program, context);
	addAddWatch(program, context);
	addTail(program, context);
	addWords(program, context);
	addDns(program, context);
	program.commandsGroup('History, in PostgreSQL:');
	addHistory(program, context);
	addAt(program, context);
	addTree(program, context);
	addDiff(program, context);
	addBlame(program, context);
	addAudit(program, context);
	addImport(program, context);
	addMigrate(program, context);
	addRestore(program, context);
	addRevert(program, context);
	addClone(program, context);
	program.commandsGroup('Data directories, also those of Apache ZooKeeper:');
	addLog(program, context);
	return program;
}

const footer = `
zxids and session ids are read as hexadecimal (0x500000012) or decimal, and shown as hexadecimal.
Exit codes: 0 done, 1 failed, 2 wrong usage.`;

function version(): string {
	const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
	return version;
}
