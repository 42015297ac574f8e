/** Asks a server `srvr` and prints the line with its mode: `zk-mode.mjs ADDRESS PORT`. Ends with 1 when there is none. */
import { connect } from 'node:net';

const [host, port] = process.argv.slice(2);
const timeoutMs = 5000;

let answer = '';
const socket = connect({ host, port: Number(port), timeout: timeoutMs }, () => socket.write('srvr'));
socket.on('data', (chunk) => {
	answer += chunk.toString('latin1');
});
socket.on('timeout', () => socket.destroy());
socket.on('error', () => {});
socket.on('close', () => {
	const mode = /^Mode: .*$/m.exec(answer);
	if (mode) console.log(mode[0]);
	else process.exitCode = 1;
});
