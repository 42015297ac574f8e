import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Progress } from './progress.ts';
import { Terminal } from './terminal.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function progressOn(stderr: PassThrough): Progress {
	return new Progress(new Terminal({ stdout: new PassThrough(), stderr, environment: {} }), 'import');
}

it('is a line every ten seconds where nothing can be drawn, and nothing at all for what is quick', () => {
	const stderr = new PassThrough();
	const progress = progressOn(stderr);
	progress.update({ done: 1, total: 4, detail: 'log.1' });
	vi.advanceTimersByTime(10_000);
	progress.update({ done: 2, total: 4, detail: 'log.2' });
	progress.update({ done: 3, total: 4, detail: 'log.3' });
	vi.advanceTimersByTime(10_000);
	progress.update({ done: 5, total: 0, detail: 'log.4' });
	progress.stop();
	expect(stderr.read().toString()).toBe('import 50 %  log.2  (10.0 s)\nimport  log.4  (20.0 s)\n');
});

it('is drawn on a terminal and leaves no trace, and never when machines read', () => {
	const tty = () => Object.assign(new PassThrough(), { isTTY: true });
	const terminal = new Terminal({ stdout: tty(), stderr: tty(), environment: {} });
	expect(terminal.drawsProgress).toBe(true);
	terminal.json = true;
	expect(terminal.drawsProgress).toBe(false);
	expect(new Terminal({ stdout: tty(), stderr: tty(), environment: { TERM: 'dumb' } }).drawsProgress).toBe(false);
	expect(new Terminal({ stdout: tty(), stderr: new PassThrough(), environment: {} }).drawsProgress).toBe(false);
});
