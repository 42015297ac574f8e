/** `ck audit …`: whether the history is complete and true, for those who have to answer for it. */
import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.ts';
import { addAuditCheck } from './check.ts';
import { addAuditExport } from './export.ts';
import { addAuditKeygen } from './keygen.ts';
import { addPack } from './pack.ts';
import { addPrune } from './prune.ts';
import { addAuditVerify } from './verify.ts';

export function addAudit(program: Command, context: CommandContext): void {
	const audit = program
		.command('audit')
		.summary('prove that the history is complete and true, export it')
		.description('Proves that the history is complete and that nobody altered it, and exports it.')
		.configureHelp({ sortSubcommands: false });
	addAuditCheck(audit, context);
	addAuditVerify(audit, context);
	addAuditExport(audit, context);
	addAuditKeygen(audit, context);
	addPrune(audit, context);
	addPack(audit, context);
}
