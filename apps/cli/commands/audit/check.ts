import { connect } from 'node:net';
import type { Command } from 'commander';
import type { PackedShare } from '#audit/pack-database';
import type { Checked, ClusterState } from '#audit/verify/check';
import type { Zxid } from '#jute/scalars';
import { addressArgument } from '../../arguments.ts';
import { withDatabase } from '../../audit-database.ts';
import type { CommandContext } from '../../command-context.ts';
import { exitCodes, Failure } from '../../failure.ts';
import { Progress } from '../../progress.ts';
import { withClient } from '../../server-connection.ts';
import {
	addDatabaseOnly,
	addServerOptions,
	type DatabaseOptions,
	optionsOf,
	type ServerOptions,
} from '../../shared-options.ts';
import { count, hex } from '../../view/text.ts';
import { keysOf, printFindings, pubkeyArgument, signedWords, verifiedObject } from './findings.ts';

interface Options extends DatabaseOptions, ServerOptions {
	readonly pubkey?: readonly string[];
	readonly clientPort?: string;
	readonly cluster: boolean;
}

export function addAuditCheck(audit: Command, context: CommandContext): void {
	const command = audit
		.command('check')
		.summary('prove that the history is complete, and that it is the cluster’s')
		.description(
			'Proves that every zxid has its row, or lies in a gap that says so; that the tree the rows make has the digest that the cluster had at every\n' +
				'transaction and snapshot; and that the tree of a replica, when one answers, is the one of the history. The exit code is 1 when it is not so.',
		)
		.option('--pubkey <file>', 'the public key of checkpoints, PEM; once for each key there was', pubkeyArgument)
		.option(
			'--client-port <host:port>',
			"ask a server's client port (its word `hash`) instead of gRPC: Apache ZooKeeper's, too",
			addressArgument,
		)
		.option('--no-cluster', 'ask no server, look at the database only');
	addDatabaseOnly(addServerOptions(command)).action(async (_: unknown, self: Command) => {
		const options = optionsOf<Options>(self);
		const { terminal } = context;
		const keys = await keysOf(options.pubkey);
		const asked = options.cluster ? await clusterState(options) : 'it was not to be asked';
		const progress = new Progress(terminal, 'check');
		const { check, inWords } = await import('#audit/verify/check');
		const { packedShare } = await import('#audit/pack-database');
		const [checked, share] = await withDatabase(options, async (url) => {
			try {
				const checked = await check(url, {
					keys,
					...(typeof asked === 'string' ? {} : { cluster: asked }),
					progress: (done, total) => progress.update({ done, total, detail: `${count(done)} txns` }),
				});
				return [checked, await packedShare(url)] as const;
			} finally {
				progress.stop();
			}
		});
		context.setExitCode(checked.isSound ? exitCodes.done : exitCodes.failed);
		if (terminal.json) {
			terminal.object({ ...checkedObject(checked, asked), partitions: share });
			return;
		}
		printFindings(terminal, checked.verified);
		for (const line of inWords(checked)) terminal.line(line);
		if (share !== null && share.full > 0) terminal.line(packedWords(share));
		if (typeof asked === 'string' && options.cluster) terminal.note(`No answer from the cluster: ${asked}`);
		terminal.line(signedWords(checked.verified, keys.length > 0));
		const { green, red } = terminal.colors;
		terminal.line(checked.isSound ? green('The history is complete and sound.') : red('The history is NOT sound.'));
	});
}

function packedWords({ full, packed }: PackedShare): string {
	return `${packed} of ${full} partitions that are full ${packed === 1 ? 'is' : 'are'} packed.`;
}

function checkedObject({ verified, cluster, isSound }: Checked, asked: ClusterState | string): object {
	return {
		sound: isSound,
		cluster:
			cluster === null
				? { state: 'not asked', reason: asked }
				: {
						state: cluster.state,
						server: cluster.cluster.server,
						zxid: hex(cluster.cluster.zxid),
						digest: cluster.cluster.digest.toString(),
					},
		...verifiedObject(verified),
	};
}

/** Text when there is no answer: why. The database can be checked all the same. */
async function clusterState(options: Options): Promise<ClusterState | string> {
	try {
		if (options.clientPort !== undefined) return await ofClientPort(options.clientPort, options.timeout);
		const { lastZxid, digest } = await withClient(options, (client) => client.status());
		return { server: options.server, zxid: Number(lastZxid) as Zxid, digest: BigInt.asUintN(64, digest) };
	} catch (error) {
		if (options.clientPort === undefined && error instanceof Failure) return error.message;
		throw error;
	}
}

/** The word `hash` answers lines of `zxid: digest`, hexadecimal and decimal, oldest first. */
async function ofClientPort(address: string, timeoutSeconds: number): Promise<ClusterState> {
	const colon = address.lastIndexOf(':');
	const text = await askWord(address.slice(0, colon), Number(address.slice(colon + 1)), 'hash', timeoutSeconds);
	const last = text.trim().split('\n').at(-1) ?? '';
	const match = /^([0-9a-f]+): (-?\d+)$/.exec(last.trim());
	if (match === null) {
		throw new Failure(
			`${address} does not answer the word hash with digests: ${text.trim().slice(0, 100)}`,
			'It must be in 4lw.commands.whitelist of that server, which must compute digests.',
		);
	}
	return {
		server: address,
		zxid: Number.parseInt(match[1]!, 16) as Zxid,
		digest: BigInt.asUintN(64, BigInt(match[2]!)),
	};
}

function askWord(host: string, port: number, word: string, timeoutSeconds: number): Promise<string> {
	return new Promise((resolve, reject) => {
		const chunks: Buffer[] = [];
		const socket = connect(port, host, () => socket.write(word));
		socket.setTimeout(timeoutSeconds * 1000, () => socket.destroy(new Error('no answer in time')));
		socket.on('data', (chunk) => chunks.push(chunk));
		socket.on('error', (error) => reject(new Failure(`cannot ask ${host}:${port}: ${error.message}`)));
		socket.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
	});
}
