import type { Command } from 'commander';
import type { VerifyingKey } from '#audit/checkpoint-key';
import type { Verified } from '#audit/verify/outcome';
import type { Zxid } from '#jute/scalars';
import { zxidArgument } from '../../arguments.ts';
import { withDatabase } from '../../audit-database.ts';
import type { CommandContext } from '../../command-context.ts';
import { exitCodes, Failure, UsageFailure } from '../../failure.ts';
import { Progress } from '../../progress.ts';
import { addDatabaseOptions, type DatabaseOptions, optionsOf } from '../../shared-options.ts';
import { count, duration, hex } from '../../view/text.ts';
import { keysOf, printFindings, pubkeyArgument, signedWords, verifiedObject } from './findings.ts';

interface Options extends DatabaseOptions {
	readonly from?: Zxid;
	readonly to?: Zxid;
	readonly pubkey?: readonly string[];
	readonly export?: string;
}

export function addAuditVerify(audit: Command, context: CommandContext): void {
	const command = audit
		.command('verify')
		.summary('find every row that was altered, deleted or inserted')
		.description(
			'Follows the hash chain and the ledger, checks the signatures of checkpoints, and makes what is derived once more from the transactions: every row\n' +
				'that was altered, deleted or inserted is named. It needs the database, or an export, and nothing else. The exit code is 1 when a row is wrong.',
		)
		.option('--from <zxid>', 'the first transaction (default: the beginning)', zxidArgument)
		.option('--to <zxid>', 'the last one (default: the end)', zxidArgument)
		.option('--pubkey <file>', 'the public key of checkpoints, PEM; once for each key there was', pubkeyArgument)
		.option('--export <dir>', 'an export instead of a database');
	addDatabaseOptions(command).action(async (_: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		const keys = await keysOf(options.pubkey);
		const progress = new Progress(terminal, 'verify');
		const report = (done: number, total: number) => progress.update({ done, total, detail: `${count(done)} txns` });
		let verified: Verified;
		let problems: string[] = [];
		try {
			if (options.export === undefined) verified = await ofDatabase(options, keys, report);
			else ({ verified, problems } = await ofExport(options, options.export, keys, report));
		} finally {
			progress.stop();
		}
		const isSound = verified.wrongRows === 0 && problems.length === 0;
		context.setExitCode(isSound ? exitCodes.done : exitCodes.failed);
		if (terminal.json) {
			terminal.object({ sound: isSound, problems, ...verifiedObject(verified) });
			return;
		}
		for (const problem of problems) terminal.error(problem);
		printFindings(terminal, verified);
		const { firstZxid, lastZxid, txns, changes, versions, wrongRows, withoutFacts } = verified;
		const range = firstZxid === null || lastZxid === null ? '' : `, ${hex(firstZxid)} to ${hex(lastZxid)}`;
		const found = isSound ? 'every row is what was mirrored' : `${count(wrongRows + problems.length)} are wrong`;
		terminal.line(signedWords(verified, keys.length > 0));
		if (withoutFacts > 0) {
			terminal.note(
				`The hashes of ${count(withoutFacts)} transactions were made before they covered owners and timeouts, which only digests vouch for there.`,
			);
		}
		terminal.line(
			`${count(txns)} transactions, ${count(changes)} changes, ${count(versions)} versions${range}: ${found} (${duration(progress.elapsedMs)})`,
		);
	});
}

type Report = (done: number, total: number) => void;

function ofDatabase(options: Options, keys: readonly VerifyingKey[], progress: Report): Promise<Verified> {
	return withDatabase(options, async (url) => {
		const [{ DatabaseRows }, { verify }] = await Promise.all([
			import('#audit/verify/database-rows'),
			import('#audit/verify/verify'),
		]);
		const rows = await DatabaseRows.open(url);
		try {
			return await verify(rows, { ...rangeOf(options), keys, progress });
		} finally {
			await rows.close();
		}
	});
}

async function ofExport(
	options: Options,
	directory: string,
	keys: readonly VerifyingKey[],
	progress: Report,
): Promise<{ readonly verified: Verified; readonly problems: string[] }> {
	if (options.database !== undefined) throw new UsageFailure('--export and --database do not go together');
	const [{ ExportRows }, { ExportProblem }, { verify }] = await Promise.all([
		import('#audit/verify/export-rows'),
		import('#audit/verify/export'),
		import('#audit/verify/verify'),
	]);
	try {
		const rows = ExportRows.open(directory);
		const problems = await rows.problems();
		const { from, to } = rows.manifest;
		const own = {
			...(from === null ? {} : { from: Number(from) as Zxid }),
			...(to === null ? {} : { to: Number(to) as Zxid }),
		};
		return { verified: await verify(rows, { ...own, ...rangeOf(options), keys, progress }), problems };
	} catch (error) {
		throw error instanceof ExportProblem ? new Failure(error.message) : error;
	}
}

function rangeOf({ from, to }: Options): { from?: Zxid; to?: Zxid } {
	return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}
