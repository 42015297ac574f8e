import type { Command } from 'commander';
import type { HistoryTxn } from '#audit/history';
import type { TailedTransaction } from '#client/client';
import type { Zxid } from '#jute/scalars';
import { pathArgument, zxidArgument } from '../arguments.ts';
import type { CommandContext } from '../command-context.ts';
import { UsageFailure } from '../failure.ts';
import { txnList } from '../history/print-txns.ts';
import { withClient } from '../server-connection.ts';
import { addServerOptions, optionsOf, type ServerOptions } from '../shared-options.ts';
import { dataObject } from '../view/json.ts';
import { hex } from '../view/text.ts';

interface Options extends ServerOptions {
	readonly from?: Zxid;
	readonly path?: string;
	readonly recursive?: boolean;
	readonly data?: boolean;
}

export function addTail(program: Command, context: CommandContext): void {
	const command = program
		.command('tail')
		.summary('what is committed, as it comes')
		.description(
			'Prints every transaction behind a zxid and then what is committed next, each once and in order, until Ctrl-C: over starts of the replica, too. Without --from it begins now. ' +
				'It is answered from memory, log or PostgreSQL, whichever has it; without the role history only what you may read.',
		)
		.option('--from <zxid>', 'what you have seen: behind this zxid (0: from the beginning)', zxidArgument)
		.option('--path <path>', 'only transactions that change this node', pathArgument)
		.option('-r, --recursive', 'that change something below the path too')
		.option('--data', 'with --json: the data that were set');
	addServerOptions(command).action(async (_: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { from, path, recursive = false } = options;
		const { terminal } = context;
		if (recursive && path === undefined) throw new UsageFailure('--recursive needs a --path');
		const list = txnList(terminal);
		const enough = new AbortController();
		const ended = AbortSignal.any([context.interrupted(), enough.signal]);
		let last: bigint | undefined;
		/** Before anything was shown there is nothing to go on with. */
		let failure: Error | undefined;
		const retrying = (error: Error): void => {
			if (last !== undefined) {
				terminal.note(`${error.message}; trying again`);
				return;
			}
			failure = error;
			enough.abort();
		};
		await withClient(options, async (client) => {
			const tail = client.tail(
				{
					fromZxid: from === undefined ? undefined : BigInt(from),
					paths: path === undefined ? [] : [{ path, recursive }],
					withData: options.data === true && terminal.json,
					retrying,
				},
				ended,
			);
			for await (const { items, zxid } of tail) {
				if (last === undefined && from === undefined && !terminal.json) terminal.note(`from ${hex(zxid)} on`);
				last = zxid;
				for (const item of items) list.txn(historyTxn(item));
				list.flush();
				if (!(await terminal.keepUp())) return;
			}
			if (failure !== undefined) throw failure;
		});
		if (last !== undefined && !terminal.json) terminal.note(`--from ${hex(last)} goes on from here`);
	});
}

/** As the history in PostgreSQL has it. What a caller may not see is null. */
function historyTxn(txn: TailedTransaction): HistoryTxn {
	const { context } = txn;
	const named = context?.identities.filter(({ scheme }) => scheme !== 'ip') ?? [];
	return {
		zxid: Number(txn.zxid) as Zxid,
		timeMs: Number(txn.timeMs),
		session: txn.sessionId as HistoryTxn['session'],
		cxid: txn.cxid,
		type: txn.type,
		path: txn.path === '' ? null : txn.path,
		error: txn.error,
		digest: txn.digest ?? null,
		principal: named.length === 0 ? null : named.map(({ scheme, id }) => `${scheme}:${id}`).join(','),
		address: context?.address || null,
		door: context?.door ?? '',
		requestId: context?.requestId || null,
		traceId: context?.traceId || null,
		changes: txn.changes.map(({ type, path, version, dataLengthAfter, data, dataWithheld }) => ({
			type,
			path,
			version: version ?? null,
			sizeBefore: null,
			sizeAfter: dataLengthAfter ?? null,
			...(data === undefined ? {} : dataObject(data)),
			...(dataWithheld ? { dataWithheld } : {}),
		})),
	};
}
