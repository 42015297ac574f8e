import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HistoryFile } from './history-file.ts';

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'ck-history-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the file of what was typed', () => {
	it('is the user’s own, and found by the next shell', () => {
		const first = new HistoryFile({ XDG_STATE_HOME: folder });
		expect(first.read()).toEqual([]);
		first.add('ls /');
		first.add('get /a');
		const next = new HistoryFile({ XDG_STATE_HOME: folder });
		expect(next.read()).toEqual(['ls /', 'get /a']);
		expect(next.path).toBe(join(folder, 'chronokeeper', 'history'));
		expect(statSync(next.path).mode & 0o777).toBe(0o600);
	});

	it('has no passwords', () => {
		const history = new HistoryFile({ XDG_STATE_HOME: folder });
		history.add('addauth digest ann:secret');
		history.add('  addauth digest ann:secret');
		history.add('status --auth ann:secret');
		history.add('whoami');
		expect(history.read()).toEqual(['whoami']);
	});

	it('does not grow without end', () => {
		const history = new HistoryFile({ XDG_STATE_HOME: folder });
		history.add('the first');
		writeFileSync(history.path, Array.from({ length: 2001 }, (_, i) => `ls /${i}\n`).join(''));
		expect(history.read()).toHaveLength(1000);
		expect(readFileSync(history.path, 'utf8').split('\n', 1)).toEqual(['ls /1001']);
	});

	it('is done without where it cannot be written', () => {
		writeFileSync(join(folder, 'file'), '');
		const history = new HistoryFile({ XDG_STATE_HOME: join(folder, 'file') });
		history.add('ls /');
		expect(history.read()).toEqual([]);
	});
});
