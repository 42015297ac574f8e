/** What a member of an ensemble says of itself in four-letter words: ZooKeeper and Chronokeeper answer the same. */
import { connect } from 'node:net';

export type Mode = 'leader' | 'follower' | 'observer';

export interface MemberStatus {
	readonly mode: Mode;
	/** The last one it has applied. */
	readonly zxid: bigint;
}

/** @throws when nobody listens, or the answer is not complete in time: a member that is stopped accepts and says nothing */
export function askMember(host: string, port: number, word: string, timeoutMs = 3000): Promise<string> {
	return new Promise((resolve, reject) => {
		let answer = '';
		let problem: Error | undefined;
		const socket = connect({ host, port }, () => socket.write(word));
		socket.on('data', (chunk) => {
			answer += chunk.toString('utf8');
		});
		const late = (): void => {
			socket.destroy(new Error(`${host}:${port} did not answer ${word} in ${timeoutMs} ms`));
		};
		// For the whole of it: a connection that is never accepted is not idle, and one that is may be.
		const timer = setTimeout(late, timeoutMs);
		socket.on('error', (error) => {
			problem = error;
		});
		socket.on('close', () => {
			clearTimeout(timer);
			if (problem) reject(problem);
			else resolve(answer);
		});
	});
}

/** Of `srvr`; undefined when the member does not serve. */
export function parseStatus(srvr: string): MemberStatus | undefined {
	const mode = /^Mode: (leader|follower|observer)$/m.exec(srvr)?.[1];
	const zxid = /^Zxid: (0x[0-9a-f]+)$/m.exec(srvr)?.[1];
	return mode === undefined || zxid === undefined ? undefined : { mode: mode as Mode, zxid: BigInt(zxid) };
}

export function parseMonitor(mntr: string): Map<string, string> {
	return new Map(
		mntr
			.trimEnd()
			.split('\n')
			.map((line) => line.split('\t') as [string, string]),
	);
}

/** Of `hash`: the digest of the tree at each zxid that 128 divides, the last 1024 of them since the member started. */
export function parseDigests(hash: string): Map<bigint, string> {
	return new Map(
		[...hash.matchAll(/^([0-9a-f]+): (-?\d+)$/gm)].map(([, zxid, digest]) => [BigInt(`0x${zxid}`), digest!]),
	);
}
