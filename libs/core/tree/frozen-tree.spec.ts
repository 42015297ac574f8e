import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { bytes, History, session } from '#test/support/tree-history';
import { InvariantError } from '../model/assert.ts';

describe('freeze', () => {
	it('allows two at a time and says so when a third is asked for', () => {
		const { tree } = new History();
		const first = tree.freeze();
		const second = tree.freeze();
		expect(() => tree.freeze()).toThrow(InvariantError);
		expect(() => tree.freeze()).toThrow('at most 2 freezes');
		first.release();
		first.release(); // nothing happens
		expect(() => first.transferable()).toThrow('before it is released');
		tree.freeze().release();
		second.release();
	});

	it('shows a worker thread the frozen state while the tree goes on, without a copy', async () => {
		const history = new History();
		history.create('/p', new Uint8Array(0));
		const count = 3000;
		for (let i = 0; i < count; i++) history.create(`/p/${i}`, bytes(`before ${i}`));
		const frozen = history.tree.freeze();
		frozen.sessions = new Map([[session, 6000]]);
		const worker = new Worker(
			`const { parentPort, workerData } = require('node:worker_threads');
			parentPort.on('message', async (message) => {
				const { frozenNodes } = await import(workerData);
				const nodes = [];
				for (const { path, data } of frozenNodes(message)) nodes.push(path + '=' + Buffer.from(data).toString());
				parentPort.postMessage({ nodes, sessions: message.sessions, digest: message.digest, zxid: message.zxid });
			});`,
			{ eval: true, workerData: new URL('./frozen-tree.ts', import.meta.url).href, execArgv: ['--conditions=source'] },
		);
		try {
			const answers: unknown[] = [];
			for (let round = 0; round < 3; round++) {
				const answer = new Promise((resolve, reject) => {
					worker.once('message', resolve);
					worker.once('error', reject);
				});
				worker.postMessage(frozen.transferable());
				for (let i = 0; i < count; i++) {
					history.apply({ kind: 'setData', path: `/p/${i}`, data: bytes(`after ${i} ${round}`), version: 1 });
				}
				for (let i = 0; i < count; i += 2) history.apply({ kind: 'delete', path: `/p/${i}` });
				for (let i = 0; i < count; i += 2) history.create(`/p/${i}`, bytes('anew'));
				answers.push(await answer);
			}
			const children = Array.from({ length: count }, (_, i) => `/p/${i}=before ${i}`);
			const nodes = ['/=', '/zookeeper=', '/zookeeper/quota=', '/zookeeper/config=', '/p=', ...children];
			const expected = { nodes, sessions: frozen.sessions, digest: frozen.digest, zxid: count + 1 };
			expect(answers).toEqual([expected, expected, expected]);
		} finally {
			await worker.terminate();
			frozen.release();
		}
	});
});
