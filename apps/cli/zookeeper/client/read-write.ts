import { connect } from 'node:net';
import type { Host } from './connect-string.ts';

const patienceMs = 1000;

/** Whether the server says that it takes writes, to the four letters `isro`. */
export function isReadWrite({ host, port }: Host): Promise<boolean> {
	return new Promise((resolve) => {
		let answer = '';
		const socket = connect({ host, port, noDelay: true }, () => socket.end('isro'));
		socket.setTimeout(patienceMs, () => socket.destroy());
		socket.on('data', (chunk) => {
			answer += chunk.toString('latin1');
		});
		// A server that is not there takes no writes either.
		socket.on('error', () => {});
		socket.on('close', () => resolve(answer.trim() === 'rw'));
	});
}
