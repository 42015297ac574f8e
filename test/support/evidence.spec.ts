import { expect, it } from 'vitest';
import { evidenceSince, tailOf } from './evidence.ts';
import { RunningProgram } from './processes.ts';

it('the end of a text has so many lines', () => {
	expect(tailOf('a\nb\nc\n', 2)).toBe('b\nc');
});

it('what is said again and again does not push out what was said before, and is counted', () => {
	const refused = Array.from({ length: 50 }, (_, index) => `${index} refused 0x${index.toString(16)}`);
	expect(tailOf(['why', ...refused, 'the end'].join('\n'), 4)).toBe(
		'why\n48 refused 0x30 (and 48 like it before)\n49 refused 0x31\nthe end',
	);
});

it('of a stack the first frame is shown', () => {
	expect(tailOf('Error: no\n\tat a\n\tat b\n\tat c\nand on')).toBe('Error: no\n\tat a\nand on');
});

it('what a JVM prints of its threads is no end of a log', () => {
	const dump = '2026-11-22 02:41:50\nFull thread dump JVM:\n\n"a" #1\n\nJNI global refs: 1\n\nHeap\n def new\n  eden\n';
	expect(tailOf(`before\n${dump}\nafter\n`)).toBe('before\n\nafter');
});

it('the evidence is of the programs that run, and of those that have ended since', async () => {
	const talker = ['-e', 'console.log("hello"); process.stdin.resume()'];
	const first = new RunningProgram(process.execPath, talker, { interactive: true, name: 'first' });
	await first.waitFor(/hello/);
	await first.stop('SIGKILL');
	const second = new RunningProgram(process.execPath, talker, { interactive: true, name: 'second' });
	await second.waitFor(/hello/);
	expect(evidenceSince(0)).toBe('--- first (ended):\nhello\n--- second:\nhello');
	expect(evidenceSince(Date.now() + 60_000)).toBe('--- second:\nhello');
	await second.stop('SIGKILL');
	expect(evidenceSince(Date.now() + 60_000)).toBe('');
});
