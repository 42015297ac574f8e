import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Terminal, type TerminalOptions } from './terminal.ts';

const tty = () => Object.assign(new PassThrough(), { isTTY: true });

function terminalOn(options: Partial<TerminalOptions>): Terminal {
	return new Terminal({ stdout: new PassThrough(), stderr: new PassThrough(), environment: {}, ...options });
}

describe('colour', () => {
	it('is on for a terminal only', () => {
		expect(terminalOn({ stdout: tty() }).colors.isColorSupported).toBe(true);
		expect(terminalOn({}).colors.isColorSupported).toBe(false);
	});

	it('honours NO_COLOR when it is not empty, --no-color, a dumb terminal and --json', () => {
		const colored = (environment: Record<string, string>, change: (terminal: Terminal) => void = () => {}) => {
			const terminal = terminalOn({ stdout: tty(), environment });
			change(terminal);
			return terminal.colors.isColorSupported;
		};
		expect(colored({ NO_COLOR: '1' })).toBe(false);
		expect(colored({ NO_COLOR: '' })).toBe(true);
		expect(colored({ TERM: 'dumb' })).toBe(false);
		expect(colored({}, (terminal) => (terminal.colorAllowed = false))).toBe(false);
		expect(colored({}, (terminal) => (terminal.json = true))).toBe(false);
	});
});

describe('output', () => {
	it('comes in the order it was written, notes apart from results', () => {
		const [stdout, stderr] = [new PassThrough(), new PassThrough()];
		const terminal = terminalOn({ stdout, stderr });
		terminal.line('one');
		terminal.object({ two: 2 });
		terminal.raw(Uint8Array.of(0x33, 0x0a));
		terminal.warn('careful');
		terminal.flush();
		expect(stdout.read().toString()).toBe('one\n{"two":2}\n3\n');
		expect(stderr.read().toString()).toBe('warning: careful\n');
	});

	it('ends quietly when the reader goes away, also one that was being waited for', async () => {
		let fail = (_: Error) => {};
		const stuck = new Writable({
			highWaterMark: 1,
			write: (_chunk, _encoding, callback) => {
				fail = callback;
			},
		});
		const terminal = terminalOn({ stdout: stuck });
		terminal.line('one');
		const waiting = terminal.keepUp();
		fail(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }));
		expect(await waiting).toBe(false);
		expect(terminal.closed).toBe(true);
		terminal.line('two');
		terminal.flush();
	});
});
