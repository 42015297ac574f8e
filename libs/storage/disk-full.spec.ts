/** A disk that really is full: the device that always is, and a process that may not write more. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Zxid } from '#core/model/zxid';
import { RecordingListener, sampleRecord } from '#test/contract/txn-log.contract';
import { readLogs } from './history-reader.ts';
import { FileTxnLog } from './txn-log.ts';

let root: string;
beforeEach(() => {
	root = mkdtempSync(path.join(tmpdir(), 'chronokeeper-full-'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('a full disk', () => {
	it.runIf(existsSync('/dev/full'))('stops acknowledging at once and says what is wrong', async () => {
		const listener = new RecordingListener();
		const log = new FileTxnLog({ directory: root, lastZxid: 0 as Zxid, preAllocSizeKiB: 0 }, listener);
		log.append([sampleRecord(1)]);
		await listener.reached(1);
		symlinkSync('/dev/full', path.join(root, 'log.2'));
		log.roll();
		log.append([sampleRecord(2)]);
		await listener.reached(2);
		log.append([sampleRecord(3)]);
		await log.close();
		expect(listener.durables).toEqual([1]);
		expect(listener.failures).toHaveLength(1);
		expect(listener.failures[0]!.message).toMatch(
			/log\.2: ENOSPC: no space left on device.*Nothing behind zxid 0x1 is acknowledged.*Make room/,
		);
	});

	it.runIf(process.platform !== 'win32')(
		'in the middle of a write keeps what was acknowledged, and a restart goes on behind it',
		async () => {
			const writer = fileURLToPath(new URL('../../test/support/log-until-full.ts', import.meta.url));
			// 300 blocks of 1 KiB; Node ignores the signal, and the write says EFBIG after a short one.
			const child = spawn(
				'bash',
				['-c', `ulimit -f 300; exec "${process.execPath}" --conditions=source "${writer}" "${root}"`],
				{
					stdio: ['ignore', 'pipe', 'inherit'],
				},
			);
			const [output] = await Promise.all([text(child.stdout!), once(child, 'exit')]);
			const { durable, failures } = JSON.parse(output) as { durable: number; failures: string[] };
			expect(durable).toBeGreaterThan(100);
			expect(failures).toEqual([expect.stringMatching(/EFBIG.*Nothing behind zxid/)]);
			const found = [...readLogs(root)];
			expect(found.length).toBeGreaterThanOrEqual(durable);
			const listener = new RecordingListener();
			const log = new FileTxnLog({ directory: root, lastZxid: found.length as Zxid }, listener);
			log.append([sampleRecord(found.length + 1)]);
			await log.close();
			expect(listener.last).toBe(found.length + 1);
			expect([...readLogs(root)]).toHaveLength(found.length + 1);
		},
	);
});
