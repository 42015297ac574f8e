/** Asks a server on loopback as scripts do: the word, and for `stmk` a long behind it. */
import { connect } from 'node:net';

export function askWord(port: number, word: string, argument?: bigint): Promise<string> {
	const bytes = Buffer.alloc(argument === undefined ? 4 : 12);
	bytes.write(word, 'latin1');
	if (argument !== undefined) bytes.writeBigInt64BE(argument, 4);
	return askBytes(port, bytes);
}

/** Pieces that arrive one after the other. @returns what came until the server closed the connection */
export function askBytes(port: number, ...pieces: readonly Uint8Array[]): Promise<string> {
	return new Promise((resolve, reject) => {
		const chunks: Buffer[] = [];
		const socket = connect(port, '127.0.0.1', () => {
			socket.setNoDelay(true);
			writeNext(0);
		});
		const writeNext = (at: number): void => {
			const piece = pieces[at];
			if (piece !== undefined) socket.write(piece, () => setImmediate(() => writeNext(at + 1)));
		};
		socket.on('data', (chunk) => chunks.push(chunk));
		socket.on('error', reject);
		socket.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
	});
}
