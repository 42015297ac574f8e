import type { Command } from 'commander';
import type { Connection } from '#client/client';
import type { CommandContext } from '../command-context.ts';
import { exitCodes } from '../failure.ts';
import { withClient } from '../server-connection.ts';
import { addServerOptions, optionsOf, type ServerOptions } from '../shared-options.ts';
import type { Terminal } from '../terminal.ts';
import { statusObject } from '../view/replica-status.ts';
import { Table } from '../view/table.ts';
import { count, duration, hex, printable, size } from '../view/text.ts';

interface Options extends ServerOptions {
	readonly connections?: boolean;
}

export function addStatus(program: Command, context: CommandContext): void {
	const command = program
		.command('status')
		.summary('say how a replica is')
		.description('Says how a replica is. The exit code is 1 when it does not serve in full.')
		.option('--connections', 'who is connected to it, instead');
	addServerOptions(command).action(async (_: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		if (options.connections) {
			printConnections(terminal, await withClient(options, (client) => client.connections()));
			return;
		}
		const status = await withClient(options, (client) => client.status());
		if (!status.ready) context.setExitCode(exitCodes.failed);
		const { mirror, lastSnapshot, ensemble } = status;
		if (terminal.json) {
			terminal.object(statusObject(status));
			return;
		}
		const { dim, green, red } = terminal.colors;
		const field = (name: string, value: string) => terminal.line(`${dim(name.padEnd(12))}  ${value}`);
		field('replica', `${options.server}, ${status.role}, Chronokeeper ${status.version}`);
		field('serves', status.ready ? green('in full') : red('not in full'));
		if (ensemble) {
			const leader = ensemble.leader === undefined ? 'nobody leads' : `server ${ensemble.leader} leads`;
			field('ensemble', `${leader}, members of version ${hex(ensemble.version)}`);
			for (const { serverId, address } of ensemble.members) field('', `server.${serverId}=${address}`);
		}
		field('last zxid', `${hex(status.lastZxid)}, digest ${status.digest}`);
		field(
			'tree',
			`${count(status.znodes)} znodes, ${count(status.ephemerals)} of them ephemeral, ${size(Number(status.approximateDataSize))}`,
		);
		field('sessions', count(status.sessions));
		field('outstanding', `${count(status.outstanding)} writes`);
		field('up', duration(Number(status.uptimeMs)));
		field(
			'data',
			status.dataDir === status.dataLogDir ? status.dataDir : `${status.dataDir}, logs in ${status.dataLogDir}`,
		);
		if (lastSnapshot) field('snapshot', `${lastSnapshot.file}, ${size(Number(lastSnapshot.bytes))}`);
		if (mirror) {
			const lag = `${count(mirror.lagTxns)} txns behind (${mirror.lagSeconds.toFixed(1)} s)`;
			field('mirror', `${mirror.state} (${mirror.mode}), at ${hex(mirror.mirroredZxid)}, ${lag}`);
			if (mirror.lastError !== '') field('', mirror.lastError);
		}
		for (const problem of status.problems) terminal.warn(problem);
	});
}

const columns = [
	{ title: 'NUMBER', align: 'right' },
	{ title: 'KIND' },
	{ title: 'ADDRESS' },
	{ title: 'SESSION' },
	{ title: 'AGE', align: 'right' },
	{ title: 'OUTSTANDING', align: 'right' },
	{ title: 'WATCHES', align: 'right' },
	{ title: 'IDENTITIES' },
] as const;

function printConnections(terminal: Terminal, connections: readonly Connection[]): void {
	const table = new Table(terminal, columns);
	for (const one of connections) {
		const session = one.sessionId === 0n ? '' : hex(one.sessionId);
		if (terminal.json) {
			const [id, received, sent, ageMs] = [one.id, one.received, one.sent, one.ageMs].map(Number);
			terminal.object({ ...one, id, received, sent, ageMs, sessionId: session === '' ? null : session });
			continue;
		}
		const identities = one.identities.map(({ scheme, id }) => printable(`${scheme}:${id}`)).join(' ');
		table.row(
			`${one.id}`,
			one.kind,
			one.address,
			session === '' ? '-' : session,
			duration(Number(one.ageMs)),
			count(one.outstanding),
			count(one.watches),
			identities,
		);
	}
	table.flush();
}
