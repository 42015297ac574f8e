/** What a start prints for people: where everything is and a first command to try. */
import { formatZxid } from '#core/model/zxid';
import { withoutPassword } from './mirror/database.ts';
import type { RunningServer } from './start-server.ts';
import { version } from './version.ts';

export function banner(server: RunningServer, startMs: number): string {
	const { config, addresses, recovery, replica } = server;
	const { recovered } = recovery;
	const grpc = addresses.grpc === '127.0.0.1:50051' ? '' : ` --server ${addresses.grpc}`;
	const state =
		recovered.snapshot === null && recovered.txnsReplayed === 0
			? 'a new one'
			: `zxid ${formatZxid(recovered.lastZxid)}, ${count(replica.host.tree.size)} nodes, ${count(recovered.txnsReplayed)} transactions replayed in ${seconds(recovery.durationMs)}`;
	const lines: (readonly [string, string])[] = [
		['data', config.dataDir === config.dataLogDir ? config.dataDir : `${config.dataDir}, logs in ${config.dataLogDir}`],
		['state', state],
		['ZooKeeper', addresses.zookeeper ?? 'no client port (clientPort=0)'],
		['gRPC', addresses.grpc],
		['HTTP', `http://${addresses.http}/  (/metrics, /health/ready)`],
		['PostgreSQL', postgresLine(server)],
	];
	const first: (readonly [string, string])[] = [['try', `npx ck${grpc} create /hello world`]];
	if (addresses.zookeeper !== undefined) first.push(['', zkCliLine(addresses.zookeeper)]);
	if (addresses.postgres !== undefined) first.push(['', psqlLine(server)]);
	const format = ([name, text]: readonly [string, string]) => `  ${name.padEnd(11)} ${text}`;
	return [
		'',
		`Chronokeeper ${version} serves, ${seconds(performance.now() - startMs)} after its start.`,
		'',
		...lines.map(format),
		'',
		...first.map(format),
		'',
		'',
	].join('\n');
}

function postgresLine(server: RunningServer): string {
	const { mirror, addresses } = server;
	if (mirror === undefined) return 'none (audit.mode=off)';
	const health = mirror.health();
	if (health.state === 'away') return `away: ${health.lastError ?? 'it does not answer'}`;
	if (addresses.postgres === undefined) return 'starting; see /health/ready';
	return mirror.embedded ? addresses.postgres : withoutPassword(addresses.postgres);
}

function zkCliLine(address: string): string {
	return `bin/zkCli.sh${address === '127.0.0.1:2181' ? '' : ` -server ${address}`} ls /`;
}

function psqlLine({ mirror, addresses }: RunningServer): string {
	const url = mirror?.embedded === true ? addresses.postgres : '"$CK_AUDIT_URL"';
	return `psql ${url} -c 'select zxid, time, type, path from chronokeeper.txn order by zxid desc limit 10'`;
}

function count(value: number): string {
	return value.toLocaleString('en');
}

function seconds(ms: number): string {
	return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}
