import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { TestServers } from '#test/support/test-servers';
import type { Chronokeeper } from '../chronokeeper.ts';
import { connect } from '../connect.ts';
import { Configuration, ConfigurationConflictError } from './configuration.ts';
import { InvalidValueError, type StandardSchema } from './standard-schema.ts';

/** Other processes may be busy, too. */
function eventually<T>(check: () => T | Promise<T>): Promise<T> {
	return vi.waitFor(check, { timeout: 60_000, interval: 10 });
}

const servers = new TestServers();
let database: TestDatabase;
let endpoints: string;
let ck: Chronokeeper;
let other: Chronokeeper;

beforeAll(async () => {
	database = await createDatabase();
	const server = await servers.start(servers.newDirectory(), { 'audit.url': database.url, 'audit.mode': 'async' });
	endpoints = server.addresses.grpc;
	const auth = [{ scheme: 'digest', credentials: 'ann:secret' }];
	ck = servers.keep(await connect({ endpoints, chroot: '/app', auth }));
	other = servers.keep(await connect({ endpoints, chroot: '/app' }));
	await ck.ensurePath('/');
});
afterAll(async () => {
	await servers.close();
	servers.remove();
	await database.drop();
});

interface Pool {
	readonly min: number;
	readonly max: number;
	readonly name?: string;
}

function pool(value: unknown): Pool {
	const { min, max, name } = value as Partial<Pool>;
	if (typeof min !== 'number' || typeof max !== 'number') throw new Error('min and max are numbers');
	if (min > max) throw new Error(`min ${min} is above max ${max}`);
	return { min, max, ...(name === undefined ? {} : { name }) };
}

function open(path: string, client = ck) {
	return Configuration.open(client, path, { schema: pool, initial: { min: 1, max: 10 } });
}

describe('a configuration', () => {
	it('is written with what it is to begin with, once, and is the same for all', async () => {
		const [one, two] = await Promise.all([open('/once'), open('/once', other)]);
		expect([one!.value, two!.value]).toEqual([
			{ min: 1, max: 10 },
			{ min: 1, max: 10 },
		]);
		expect([one!.state.version, two!.state.version]).toEqual([0, 0]);
		expect(Buffer.from((await ck.get('/once/max')).data!).toString()).toBe('10');
		await one!.close();
		await two!.close();
	});

	it('shows updates to all, whole ones in their order', async () => {
		await using reader = await open('/live', other);
		await using writer = await open('/live');
		const seen: string[] = [];
		reader.on(({ value, version }) => seen.push(`${version} ${value.min}-${value.max}`));
		// Each alone would not be valid.
		for (let i = 1; i <= 10; i++) await writer.update({ min: 100 * i, max: 100 * i + 1 });
		await eventually(() => expect(reader.state.version).toBe(10));
		expect(seen.at(-1)).toBe('10 1000-1001');
		for (const text of seen) expect(text).toMatch(/^(\d+) \1(00)-\1(01)$/);
		expect(reader.problem).toBeUndefined();
	});

	it('loses no update of several that change it at once', async () => {
		await using one = await open('/many');
		await using two = await open('/many', other);
		const raise = (configuration: Configuration<Pool>) => configuration.update(({ max }) => ({ max: max + 1 }));
		await Promise.all(Array.from({ length: 10 }, (_, i) => raise(i % 2 ? one : two)));
		await eventually(() => expect([one.value.max, two.value.max]).toEqual([20, 20]));
		expect((await ck.exists('/many'))?.version).toBe(10);
	});

	it('refuses what is not valid as a whole, and changes nothing', async () => {
		await using configuration = await open('/refused');
		await expect(configuration.update({ min: 11 })).rejects.toThrow('min 11 is above max 10');
		await expect(configuration.update({ max: undefined })).rejects.toBeInstanceOf(InvalidValueError);
		await expect(configuration.update({ 'a/b': 1 } as object)).rejects.toBeInstanceOf(TypeError);
		expect(configuration.state.version).toBe(0);
		expect(await ck.exists('/refused').then((stat) => stat?.version)).toBe(0);
	});

	it('is changed only at the version that was asked for, and not at all by nothing', async () => {
		await using configuration = await open('/versions');
		await configuration.update({ max: 11 });
		const failed = configuration.update({ max: 12 }, { ifVersion: 0 });
		await expect(failed).rejects.toBeInstanceOf(ConfigurationConflictError);
		expect(await configuration.update({ max: 11 }, { ifVersion: 1 })).toMatchObject({ version: 1 });
		expect(await configuration.update({ max: 12, name: 'x' }, { ifVersion: 1 })).toMatchObject({ version: 2 });
		expect(await configuration.update({ name: undefined })).toMatchObject({ value: { min: 1, max: 12 }, version: 3 });
		expect((await ck.children('/versions')).names).toEqual(['max', 'min']);
	});

	it('takes what others write when it is valid, and keeps what it had when it is not', async () => {
		await using configuration = await open('/others');
		await other.create('/others/name', 'no JSON');
		await eventually(() => expect(configuration.value).toEqual({ min: 1, max: 10, name: 'no JSON' }));
		await other.set('/others/min', '11');
		await eventually(() => expect(configuration.problem?.message).toBe('min 11 is above max 10'));
		expect(configuration.value.min).toBe(1);
		// What the others wrote counts for whether an update is valid.
		await expect(configuration.update({ name: 'x' })).rejects.toThrow('min 11 is above max 10');
		expect(await configuration.update({ max: 12 })).toMatchObject({ value: { min: 11, max: 12 } });
		expect(configuration.problem).toBeUndefined();
	});

	it('gives its states to a loop until it is closed', async () => {
		const configuration = await open('/looped');
		const maxima: number[] = [];
		for await (const { value } of configuration.changes()) {
			maxima.push(value.max);
			if (value.max < 12) await configuration.update({ max: value.max + 1 });
			else await configuration.close();
		}
		expect(maxima).toEqual([10, 11, 12]);
	});

	it('does not open with what is not valid, or not there', async () => {
		await expect(Configuration.open(ck, '/none', { schema: pool })).rejects.toThrow('min and max are numbers');
		await using _ = await open('/invalid');
		await ck.set('/invalid/min', '"one"');
		await expect(open('/invalid')).rejects.toBeInstanceOf(InvalidValueError);
	});

	it('takes the schema of a library, whose output is the value', async () => {
		const schema: StandardSchema<Pool> = {
			'~standard': {
				version: 1,
				vendor: 'test',
				validate: async (value) => {
					const { min = 5, max } = value as Partial<Pool>;
					return typeof max === 'number'
						? { value: { min, max } }
						: { issues: [{ message: 'not a number', path: ['max'] }, { message: 'odd' }] };
				},
			},
		};
		await using configuration = await Configuration.open(ck, '/library', { schema, initial: { max: 7 } });
		expect(configuration.value).toEqual({ min: 5, max: 7 });
		const failed = configuration.update({ max: 'x' as never });
		await expect(failed).rejects.toMatchObject({ issues: ['max: not a number', 'odd'] });
	});
});

describe('the history of a configuration', () => {
	// The mirror of a new server has a database to look at first.
	beforeAll(() => eventually(() => ck.at(1n).exists('/')));

	it('has every update, and each of them can be rolled back to', async () => {
		await using configuration = await open('/rolled');
		await configuration.update({ max: 20, name: 'big' }, { reason: 'sale' });
		await configuration.update({ min: 2 });
		await ck.set('/rolled/max', '21');
		const versions = await configuration.versions();
		expect(versions.map(({ version, reason }) => [version, reason])).toEqual([
			[2, undefined],
			[1, 'sale'],
			[0, 'initial values'],
		]);
		expect(versions[0]!.by.join()).toContain('digest:ann');
		expect(versions[0]!.zxid).toBeGreaterThan(versions[1]!.zxid);
		const rolledBack = await configuration.rollback(0);
		expect(rolledBack).toMatchObject({ value: { min: 1, max: 10 }, version: 3 });
		expect(await configuration.rollback(1)).toMatchObject({ value: { min: 1, max: 20, name: 'big' }, version: 4 });
		expect((await configuration.versions(1)).map(({ reason }) => reason)).toEqual(['rollback to version 1']);
		await expect(configuration.rollback(9)).rejects.toThrow('the history has no version 9 of /rolled');
		await expect(configuration.rollback(0, { ifVersion: 3 })).rejects.toBeInstanceOf(ConfigurationConflictError);
	});
});
