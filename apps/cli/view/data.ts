import type { Terminal } from '../terminal.ts';
import { hex, printable, size, utf8 } from './text.ts';

/** Into a pipe or file: the bytes as they are. On a terminal: text with its lines, other bytes as a dump, null said aloud. */
export function printData(terminal: Terminal, data: Uint8Array | null): void {
	if (!terminal.interactive) {
		terminal.raw(data ?? new Uint8Array(0));
		return;
	}
	const { dim } = terminal.colors;
	if (data === null) terminal.line(dim('(null)'));
	else if (data.length === 0) terminal.line(dim('(empty)'));
	else {
		const text = utf8(data);
		if (text === undefined) dump(terminal, data);
		else for (const line of text.replace(/\n$/, '').split('\n')) terminal.line(unescapeQuotes(printable(line)));
	}
}

/** Quotes and backslashes are harmless here, where no quotes stand around the text. */
function unescapeQuotes(text: string): string {
	return text.replace(/\\(["\\])/g, '$1');
}

const dumped = 1024;

function dump(terminal: Terminal, data: Uint8Array): void {
	for (let at = 0; at < Math.min(data.length, dumped); at += 16) {
		const bytes = [...data.subarray(at, at + 16)];
		const hexes = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
		const characters = bytes.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
		terminal.line(`${hex(at).slice(2).padStart(6, '0')}  ${hexes.padEnd(47)}  ${characters}`);
	}
	if (data.length > dumped) terminal.line(terminal.colors.dim(`… ${size(data.length)} in all`));
}
