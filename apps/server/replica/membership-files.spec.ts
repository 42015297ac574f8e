import {
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseQuorumConfig } from '#core/zab/parse-quorum-config';
import { loadConfig } from '../config/config.ts';
import type { EnsembleConfig } from '../config/ensemble.ts';
import { MembershipFiles } from './membership-files.ts';
import { type FileSteps, realFileSteps, smallFiles } from './small-files.ts';

let folder: string;
let file: string;
let dataDir: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'chronokeeper-membership-'));
	file = join(folder, 'zoo.cfg');
	dataDir = join(folder, 'data');
	mkdirSync(dataDir);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const limits = 'initLimit=10\nsyncLimit=5\n';
const two = 'server.1=a:1:2\nserver.2=b:1:2\n';

function write(text: string): void {
	writeFileSync(file, text);
}

const members = (version: string, ...more: string[]) =>
	parseQuorumConfig(
		['server.1=a:1:2:participant;0.0.0.0:2182', 'server.10=j:1:2:participant', ...more, `version=${version}`].join(
			'\n',
		),
	);

function ensemble(environment: Readonly<Record<string, string>> = {}): EnsembleConfig {
	return loadConfig({
		file,
		environment: { CK_SERVER_ID: '1', CK_DATA_DIR: dataDir, CK_AUDIT_MODE: 'off', ...environment },
	}).ensemble!;
}

function filesFor(serverId: number, steps: FileSteps = realFileSteps, warnings: string[] = []): MembershipFiles {
	const { editableFile } = ensemble();
	const warn = (message: string) => void warnings.push(message);
	return new MembershipFiles({ serverId, dataDir, editableFile, warn, files: smallFiles(steps) });
}

const textOf = (name: string) => readFileSync(join(folder, name), 'utf8');

describe('beside a zoo.cfg', () => {
	it('82: members have a file of their own, which zoo.cfg names instead of its own lines', () => {
		const own = '# kept\ntickTime=100\n';
		const gone = `${two}group.1=1:2\nweight.1=1\npeerType=participant\nclientPort=2181\nclientPortAddress=0.0.0.0\n`;
		write(`${own}${gone}clientPortListenBacklog=7\n${limits}`);
		const files = filesFor(1);
		const next = members('10000002a', 'server.2=b:1:2');
		files.saveNext(next);
		expect(textOf('zoo.cfg.dynamic.next')).toBe(
			'server.10=j:1:2:participant\nserver.1=a:1:2:participant;0.0.0.0:2182\nserver.2=b:1:2:participant\nversion=10000002a',
		);
		files.saveCurrent(next);
		const dynamic = join(folder, 'zoo.cfg.dynamic.10000002a');
		expect(textOf('zoo.cfg')).toBe(`${own}clientPortListenBacklog=7\n${limits}dynamicConfigFile=${dynamic}\n`);
		expect(readFileSync(dynamic, 'utf8')).toBe(
			'server.10=j:1:2:participant\nserver.1=a:1:2:participant;0.0.0.0:2182\nserver.2=b:1:2:participant',
		);
		expect(textOf('zoo.cfg.bak')).toBe(`${own}${gone}clientPortListenBacklog=7\n${limits}`);
		expect(readdirSync(folder).sort()).toEqual(['data', 'zoo.cfg', 'zoo.cfg.bak', 'zoo.cfg.dynamic.10000002a']);
		expect(files.fileOf(next)).toBe(dynamic);

		const read = ensemble();
		expect(read.members.toString()).toBe(next.toString());
		expect([read.next, read.dynamicConfigFile]).toEqual([undefined, dynamic]);
		const later = members('200000001', 'server.3=c:1:2');
		filesFor(1).saveCurrent(later);
		expect(ensemble().members.toString()).toBe(later.toString());
		// What somebody wrote stays the backup.
		expect(textOf('zoo.cfg.bak')).toContain('server.1=a:1:2');
	});

	it('82: the client port stays in zoo.cfg while the line of the server has none', () => {
		write(`clientPort=2181\n${two}${limits}`);
		filesFor(2).saveCurrent(members('1', 'server.2=b:1:2'));
		expect(textOf('zoo.cfg')).toContain('clientPort=2181\n');
	});

	it('82: an address that confines the client port stays when the line says all addresses', () => {
		write(`clientPort=2182\nclientPortAddress=127.0.0.1\n${two}${limits}`);
		filesFor(1).saveCurrent(members('1', 'server.2=b:1:2'));
		expect(textOf('zoo.cfg')).toMatch(/^clientPortAddress=127\.0\.0\.1\n/);
		const read = loadConfig({ file, environment: { CK_SERVER_ID: '1', CK_DATA_DIR: dataDir, CK_AUDIT_MODE: 'off' } });
		expect(read).toMatchObject({ clientPort: 2182, clientPortAddress: '127.0.0.1' });
	});

	it('its mode, its bytes and where it really is do not change', () => {
		const real = join(folder, 'real.cfg');
		writeFileSync(real, Buffer.from(`# caf\xe9\n${two}${limits}`, 'latin1'), { mode: 0o640 });
		symlinkSync(real, file);
		filesFor(1).saveCurrent(members('1'));
		const bytes = readFileSync(real);
		expect(bytes.subarray(0, 7)).toEqual(Buffer.from('# caf\xe9\n', 'latin1'));
		expect([statSync(real).mode & 0o777, statSync(`${real}.bak`).mode & 0o777]).toEqual([0o640, 0o640]);
		expect(ensemble().members.version).toBe(1);
	});
});

describe('in the data directory', () => {
	it('82: members are kept when they come from the environment', () => {
		write(limits);
		const variables = { CK_SERVER_1: 'a:1:2', CK_SERVER_2: 'b:1:2' };
		const { editableFile } = ensemble(variables);
		const warn = (message: string) => expect.unreachable(message);
		const files = new MembershipFiles({ serverId: 1, dataDir, editableFile, warn });
		const first = members('10000002a', 'server.2=b:1:2');
		files.saveNext(first);
		files.saveCurrent(first);
		expect(ensemble(variables).members.toString()).toBe(first.toString());
		expect(files.fileOf(first)).toBe(join(dataDir, 'members.dynamic.10000002a'));
		const second = members('10000002b', 'server.3=c:1:2');
		files.saveNext(second);
		expect(ensemble(variables)).toMatchObject({
			members: { version: first.version },
			next: { version: second.version },
		});
		files.saveCurrent(second);
		expect(readdirSync(dataDir)).toEqual(['members.dynamic.10000002b']);
		expect([textOf('zoo.cfg'), readdirSync(folder).sort()]).toEqual([limits, ['data', 'zoo.cfg']]);
	});

	it.each([['next'], ['current']] as const)(
		'82: members are kept from the moment on at which zoo.cfg cannot be written: %s',
		(when) => {
			write(`${two}${limits}`);
			const warnings: string[] = [];
			const readOnly: FileSteps = {
				...realFileSteps,
				write(path, ...rest) {
					if (dirname(path) === folder) throw new Error('EROFS: read-only file system');
					realFileSteps.write(path, ...rest);
				},
			};
			const files = filesFor(1, readOnly, warnings);
			const config = members('10000002a', 'server.2=b:1:2');
			if (when === 'next') {
				files.saveNext(config);
				expect(ensemble()).toMatchObject({ members: { version: 0 }, next: { version: config.version } });
			}
			files.saveCurrent(config);
			expect(ensemble()).toMatchObject({ members: { version: config.version }, next: undefined });
			expect(warnings).toEqual([
				`the members of the ensemble are kept in ${dataDir} from now on, because ${file} cannot be changed: EROFS: read-only file system`,
			]);
			expect(textOf('zoo.cfg')).toBe(`${two}${limits}`);

			// When it can be written again, it is the one place again.
			const later = members('10000002b');
			filesFor(1).saveCurrent(later);
			expect([ensemble().members.version, readdirSync(dataDir)]).toEqual([later.version, []]);
		},
	);

	it('82: that cannot be written to either ends in an error', () => {
		write(`${two}${limits}`);
		const full: FileSteps = {
			...realFileSteps,
			write() {
				throw new Error('ENOSPC: no space left on device');
			},
		};
		expect(() => filesFor(1, full).saveNext(members('1'))).toThrow('ENOSPC');
	});
});

describe('when the power is cut', () => {
	/** Files and directories as they are, and what was done to them in order. */
	class Recorder implements FileSteps {
		readonly #initial = snapshot(folder);
		readonly #steps: {
			readonly directory: string;
			readonly run: (files: Map<string, string>) => void;
			readonly isSync: boolean;
		}[] = [];

		get count(): number {
			return this.#steps.length;
		}

		write(path: string, bytes: Uint8Array, like: string | undefined): void {
			realFileSteps.write(path, bytes, like);
			const text = Buffer.from(bytes).toString('latin1');
			this.#add(path, (files) => files.set(path, text));
		}

		rename(from: string, to: string): void {
			realFileSteps.rename(from, to);
			this.#add(from, (files) => {
				const text = files.get(from);
				if (text === undefined) return;
				files.delete(from);
				files.set(to, text);
			});
		}

		remove(path: string): void {
			realFileSteps.remove(path);
			this.#add(path, (files) => files.delete(path));
		}

		syncDirectory(directory: string): void {
			realFileSteps.syncDirectory(directory);
			this.#steps.push({ directory, run: () => undefined, isSync: true });
		}

		/** Puts what is found after so many steps into the place of what is there; of the changes that were not synced, `keeps` decides for each. */
		restore(count: number, keeps: () => boolean): void {
			const files = new Map(this.#initial);
			const done = this.#steps.slice(0, count);
			done.forEach(({ directory, run, isSync }, at) => {
				const isSynced = done.slice(at).some((later) => later.isSync && later.directory === directory);
				if (!isSync && (isSynced || keeps())) run(files);
			});
			for (const path of snapshot(folder).keys()) rmSync(path);
			for (const [path, text] of files) writeFileSync(path, text, 'latin1');
		}

		#add(path: string, run: (files: Map<string, string>) => void): void {
			this.#steps.push({ directory: dirname(path), run, isSync: false });
		}
	}

	function snapshot(directory: string): Map<string, string> {
		const names = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
		return new Map(
			names.map(({ parentPath, name }) => join(parentPath, name)).map((path) => [path, readFileSync(path, 'latin1')]),
		);
	}

	it.each([
		['zoo.cfg', {}],
		['the data directory', { CK_SERVER_1: 'a:1:2', CK_SERVER_2: 'b:1:2' }],
	] as const)('82: the old members and the next ones are found, or the new ones: %s', (_, variables) => {
		write('CK_SERVER_1' in variables ? limits : `${two}${limits}`);
		const { editableFile } = ensemble(variables);
		const warn = (message: string) => expect.unreachable(message);
		const recorder = new Recorder();
		const files = new MembershipFiles({ serverId: 1, dataDir, editableFile, warn, files: smallFiles(recorder) });
		const [first, second] = [members('100000000', 'server.2=b:1:2'), members('100000007', 'server.3=c:1:2')];
		files.saveCurrent(first);
		const start = recorder.count;
		files.saveNext(second);
		const afterNext = recorder.count;
		files.saveCurrent(second);
		const end = recorder.count;
		expect(end - start).toBeGreaterThan(8);

		const found = (count: number, keeps: () => boolean): void => {
			recorder.restore(count, keeps);
			const read = ensemble(variables);
			const isNew = read.members.version === second.version;
			const config = isNew ? second : count < start ? read.members : first;
			expect(read.members.toString()).toBe(config.toString());
			if (count >= afterNext && !isNew) expect(read.next?.toString()).toBe(second.toString());
			if (count === end) expect([isNew, read.next]).toEqual([true, undefined]);
		};
		for (let count = 0; count <= end; count++) for (const keeps of [true, false]) found(count, () => keeps);
		fc.assert(
			fc.property(fc.integer({ min: 0, max: end }), fc.array(fc.boolean(), { minLength: 1 }), (count, draws) => {
				let at = 0;
				found(count, () => draws[at++ % draws.length]!);
			}),
			{ numRuns: 200 },
		);
	});
});
