/** Which servers an ensemble has: as its operator writes them, or as one of its servers says. */
import type { QuorumServer } from '#core/zab/quorum-config';
import { formatQuorumServer, parseQuorumServer } from '#core/zab/quorum-server';
import { Failure, UsageFailure } from '../failure.ts';
import { Client } from '../zookeeper/client/client.ts';
import { parseConnectString } from '../zookeeper/client/connect-string.ts';
import { KeeperError, sentenceOf } from '../zookeeper/client/keeper-error.ts';
import { Session } from '../zookeeper/client/session.ts';

const answerMs = 10_000;
const sessionTimeoutMs = 30_000;
/** ZooKeeper's own bound of an answer. */
const maxFrameBytes = 0xf_ffff;
const form =
	'write zk1:2888:3888,zk2:2888:3888 (numbered from 1), 4=zk4:2888:3888,…, or one address of clients, zk1:2181';

/** @throws UsageFailure */
export async function serversOf(text: string): Promise<readonly QuorumServer[]> {
	const parts = text.split(',').map((part) => part.trim());
	const first = parts[0] ?? '';
	if (parts.length === 1 && /^(\[[^\]]+\]|[^:=]+)(:[0-9]+)?$/.test(first)) return askServer(first);
	const servers = parts.map((part, index) => {
		const [, number, address] = /^(?:([0-9]+)=)?(.+)$/.exec(part) ?? [];
		if (address === undefined) throw new UsageFailure(`"${text}" does not name servers`, `Please ${form}.`);
		return serverOf(number === undefined ? index + 1 : Number(number), address);
	});
	if (new Set(servers.map(({ id }) => id)).size < servers.length) {
		throw new UsageFailure(`"${text}" gives two servers one number`, `Please ${form}.`);
	}
	return servers;
}

/** @throws UsageFailure */
export function serverOf(id: number, text: string): QuorumServer {
	try {
		return parseQuorumServer(id, text);
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		throw new UsageFailure(`server.${id} ${error.message}`, `Please ${form}.`);
	}
}

/** What /zookeeper/config says, which every member since ZooKeeper 3.5 has. */
async function askServer(address: string): Promise<readonly QuorumServer[]> {
	const session = new Session({
		servers: parseConnectString(address),
		timeoutMs: sessionTimeoutMs,
		readOnly: true,
		maxFrameBytes,
		requestTimeoutMs: answerMs,
		resetWatches: false,
		onEvent: () => undefined,
	});
	try {
		const { data } = await new Client(session).getConfig(false);
		const lines = new TextDecoder().decode(data ?? new Uint8Array()).split('\n');
		const servers = lines.flatMap((line) => {
			const [, id, text] = /^server\.([0-9]+)=(.*)$/.exec(line.trim()) ?? [];
			return id === undefined ? [] : [serverOf(Number(id), text!)];
		});
		if (servers.length > 0) return servers;
		throw new Failure(
			`${address} is no member of an ensemble: it names no servers`,
			'A single ZooKeeper has no port for observers: give it a server.1 line and standaloneEnabled=false, or import its directory with `ck import`.',
		);
	} catch (error) {
		if (!(error instanceof KeeperError)) throw error;
		throw new Failure(`${address} does not say which servers there are: ${sentenceOf(error)}`, `Name them: ${form}.`);
	} finally {
		await session.close();
	}
}

/** The lines of zoo.cfg that name them. */
export function serverLines(servers: readonly QuorumServer[]): string[] {
	return servers.map((server) => `server.${server.id}=${formatQuorumServer(server)}`);
}
