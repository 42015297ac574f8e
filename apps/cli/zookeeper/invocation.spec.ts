import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseInvocation, readClientSettings } from './invocation.ts';

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'zkcli-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string): string {
	const path = join(folder, 'client.properties');
	writeFileSync(path, text);
	return path;
}

describe('the arguments', () => {
	it('have defaults', () => {
		expect(parseInvocation([])).toMatchObject({
			server: 'localhost:2181',
			timeout: '30000',
			readOnly: false,
			command: [],
		});
	});
	it('are options up to the first word, which begins a command', () => {
		const args = [
			'-r',
			'-server',
			'a:1,b:2/c',
			'-unknown',
			'-timeout',
			'5',
			'-waitforconnection',
			'get',
			'-s',
			'/a',
			'-r',
		];
		expect(parseInvocation(args)).toEqual({
			server: 'a:1,b:2/c',
			timeout: '5',
			readOnly: true,
			waitForConnection: true,
			clientConfiguration: undefined,
			command: ['get', '-s', '/a', '-r'],
			incomplete: undefined,
		});
	});
	it('may lack a value at the end', () => {
		expect(parseInvocation(['-server'])).toMatchObject({ incomplete: '-server', server: 'localhost:2181' });
	});
});

describe('the client settings', () => {
	it("are ZooKeeper's without any", () => {
		expect(readClientSettings(undefined, {})).toEqual({
			maxFrameBytes: 0xfffff,
			requestTimeoutMs: 0,
			resetWatches: true,
			withoutEffect: [],
		});
	});
	it('come from the flags for Java', () => {
		const environment = {
			CLIENT_JVMFLAGS: '-Xmx256m -Djute.maxbuffer=0x400000',
			JVMFLAGS: '-Dzookeeper.request.timeout=3000 -Dzookeeper.disableAutoWatchReset=true',
		};
		expect(readClientSettings(undefined, environment)).toMatchObject({
			maxFrameBytes: 0x400000,
			requestTimeoutMs: 3000,
			resetWatches: false,
		});
	});
	it('come from a file first, which may have what means nothing here', () => {
		const path = file('# client\njute.maxbuffer = 5000\nzookeeper.sasl.client=false\n');
		expect(readClientSettings(path, { JVMFLAGS: '-Djute.maxbuffer=1' })).toMatchObject({
			maxFrameBytes: 5000,
			withoutEffect: ['zookeeper.sasl.client'],
		});
	});
	it('are refused when they cannot be had', () => {
		expect(() => readClientSettings(join(folder, 'none'), {})).toThrow(/none.*no such file/);
		expect(() => readClientSettings(file('zookeeper.client.secure=true'), {})).toThrow('TLS is not supported');
		expect(() => readClientSettings(undefined, { JVMFLAGS: '-Djute.maxbuffer=1m' })).toThrow('For input string: "1m"');
	});
});
