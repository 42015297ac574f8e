import 'reflect-metadata';
import { type INestApplication, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Chronokeeper } from '#client/chronokeeper';
import { connect } from '#client/connect';
import type { Configuration } from '#client/recipes/configuration';
import { LockLostError } from '#client/recipes/held';
import { DistributedLock } from '#client/recipes/lock';
import { Cable } from '#test/support/cable';
import { TestServers } from '#test/support/test-servers';
import {
	ChronokeeperHealthIndicator,
	ChronokeeperModule,
	currentLeadership,
	currentLock,
	InjectChronokeeper,
	InjectConfiguration,
	LeaderOnly,
	Locked,
	WhileLeader,
} from './index.ts';

/** Other processes may be busy, too. */
function eventually<T>(check: () => T | Promise<T>): Promise<T> {
	return vi.waitFor(check, { timeout: 60_000, interval: 10 });
}

const servers = new TestServers();
let endpoints: string;
let ck: Chronokeeper;
const applications: INestApplication[] = [];

beforeAll(async () => {
	endpoints = (await servers.start(servers.newDirectory(), { tickTime: 100, maxSessionTimeout: 60_000 })).addresses
		.grpc;
	ck = servers.keep(await connect({ endpoints }));
});
afterEach(async () => {
	for (const application of applications.splice(0)) await application.close();
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

@Injectable()
class Reports {
	readonly ck: Chronokeeper;
	readonly log: string[] = [];
	gate: Promise<unknown> = Promise.resolve();

	constructor(@InjectChronokeeper() ck: Chronokeeper) {
		this.ck = ck;
	}

	@Locked('/locks/report')
	async report(text: string): Promise<string> {
		this.log.push(`begin ${text}`);
		await this.gate;
		this.log.push(`end ${text}`);
		return `${text} ${currentLock().token > 0n}`;
	}

	@Locked('/locks/impatient', { timeoutMs: 50 })
	async impatient(): Promise<void> {}

	@Locked((id: number) => `/locks/order-${id}`)
	async order(id: number): Promise<number> {
		await this.gate;
		return this.nested(id);
	}

	@Locked((id: number) => `/locks/order-${id}`)
	async nested(id: number): Promise<number> {
		return 2 * id;
	}

	@Locked('/locks/skipped', { skipWhenLocked: true })
	async skipped(): Promise<string> {
		return 'done';
	}

	@Locked('/locks/failing')
	async failing(): Promise<void> {
		throw new Error('no paper');
	}
}

@Injectable()
class Leading {
	isLeading = false;
	gate: Promise<unknown> = Promise.resolve();

	@LeaderOnly('/leaders/reports')
	async tick(): Promise<string> {
		await this.gate;
		return `leader ${currentLeadership().isHeld}`;
	}

	@WhileLeader('/leaders/reports')
	async lead(signal: AbortSignal): Promise<void> {
		this.isLeading = true;
		await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
		this.isLeading = false;
	}
}

@Injectable()
class Stumbling {
	runs = 0;
	tokens: bigint[] = [];

	@WhileLeader('/leaders/stumbling')
	async lead(): Promise<void> {
		this.tokens.push(currentLeadership().token);
		this.runs += 1;
		if (this.runs === 1) throw new Error('stumbled');
	}

	@LeaderOnly('/leaders/stumbling')
	async tick(): Promise<string> {
		return 'leads';
	}
}

interface Limits {
	readonly limit: number;
}

@Injectable()
class Limited {
	readonly configuration: Configuration<Limits>;

	constructor(@InjectConfiguration('/config/limits') configuration: Configuration<Limits>) {
		this.configuration = configuration;
	}
}

async function start(module: object, address = endpoints, sessionTimeoutMs = 10_000): Promise<INestApplication> {
	@Module(module)
	class Root {}
	const options = { endpoints: address, sessionTimeoutMs };
	@Module({ imports: [ChronokeeperModule.forRoot(options), Root] })
	class Application {}
	const application = await NestFactory.create(Application, new FastifyAdapter(), { logger: false });
	applications.push(application);
	await application.init();
	return application;
}

function gate(): { readonly promise: Promise<void>; readonly open: () => void } {
	let open!: () => void;
	const promise = new Promise<void>((resolve) => {
		open = resolve;
	});
	return { promise, open };
}

describe('the module', () => {
	it('connects with options that other providers know, and is closed with the application', async () => {
		@Module({ providers: [{ provide: 'ADDRESS', useFactory: () => endpoints }], exports: ['ADDRESS'] })
		class Settings {}
		const asynchronous = ChronokeeperModule.forRootAsync({
			imports: [Settings],
			inject: ['ADDRESS'],
			useFactory: (address: string) => ({ endpoints: address }),
		});
		@Module({ imports: [asynchronous], providers: [Reports] })
		class Application {}
		const application = await NestFactory.create(Application, new FastifyAdapter(), { logger: false });
		await application.init();
		const client = application.get(Reports).ck;
		expect(client.state).toBe('connected');
		await client.create('/of-application', null, { mode: 'ephemeral' });
		await application.close();
		expect(client.state).toBe('closed');
		expect(await ck.exists('/of-application')).toBeUndefined();
	});

	it('does not start when no server can be reached', async () => {
		const module = ChronokeeperModule.forRoot({ endpoints: '127.0.0.1:1', connectTimeoutMs: 50 });
		const created = NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
		await expect(created).rejects.toThrow('no session within 50 ms');
	});
});

describe('@Locked', () => {
	it('has one method run at a time in all applications, and releases', async () => {
		const [one, two] = await Promise.all([start({ providers: [Reports] }), start({ providers: [Reports] })]);
		const [first, second] = [one!.get(Reports), two!.get(Reports)];
		const held = gate();
		first.gate = held.promise;
		const running = first.report('a');
		await eventually(() => expect(first.log).toEqual(['begin a']));
		const waiting = second.report('b');
		await eventually(async () => expect((await ck.children('/locks/report')).names).toHaveLength(2));
		expect(second.log).toEqual([]);
		held.open();
		expect([await running, await waiting]).toEqual(['a true', 'b true']);
		expect((await ck.children('/locks/report')).names).toEqual([]);
		expect(first.report.name).toBe('report');
	});

	it('takes paths of arguments, gives up in time, and does not wait for itself', async () => {
		const reports = (await start({ providers: [Reports] })).get(Reports);
		expect(await reports.order(4)).toBe(8);
		await using _ = await new DistributedLock(ck, '/locks/impatient').acquire();
		await expect(reports.impatient()).rejects.toThrow('waited for 50 ms in vain');
		await using __ = await new DistributedLock(ck, '/locks/order-5').acquire();
		expect(await reports.order(6)).toBe(12);
	});

	it('skips when it is told to, and releases after an error', async () => {
		const reports = (await start({ providers: [Reports] })).get(Reports);
		const held = await new DistributedLock(ck, '/locks/skipped').acquire();
		expect(await reports.skipped()).toBeUndefined();
		await held.release();
		expect(await reports.skipped()).toBe('done');
		await expect(reports.failing()).rejects.toThrow('no paper');
		expect((await ck.children('/locks/failing')).names).toEqual([]);
		expect(() => currentLock()).toThrow('no method with @Locked is running here');
	});

	it('fails when the lock was lost while the method ran', async () => {
		const reports = (await start({ providers: [Reports] })).get(Reports);
		const held = gate();
		reports.gate = held.promise;
		const running = reports.report('lost');
		await eventually(() => expect(reports.log).toEqual(['begin lost']));
		const [name] = (await ck.children('/locks/report')).names;
		await ck.delete(`/locks/report/${name}`);
		// Its watch fires in front of what it reads after that.
		await reports.ck.sync();
		await reports.ck.exists('/locks/report');
		held.open();
		await expect(running).rejects.toBeInstanceOf(LockLostError);
	});

	it('says what is missing where Nest has not made the instance', async () => {
		await expect(new Reports(ck).report('x')).rejects.toThrow('Reports was not made by Nest with ChronokeeperModule');
	});
});

describe('@LeaderOnly and @WhileLeader', () => {
	it('run at one application, and at the next when that one is closed', async () => {
		const [one, two] = await Promise.all([start({ providers: [Leading] }), start({ providers: [Leading] })]);
		const all = [one!.get(Leading), two!.get(Leading)];
		await eventually(() => expect(all.filter(({ isLeading }) => isLeading)).toHaveLength(1));
		const ticks = await Promise.all(all.map((leading) => leading.tick()));
		expect(ticks.toSorted()).toEqual(['leader true', undefined]);
		const leader = all.findIndex(({ isLeading }) => isLeading);
		expect(ticks[leader]).toBe('leader true');
		await [one, two][leader]!.close();
		expect(all[leader]!.isLeading).toBe(false);
		await eventually(() => expect(all[1 - leader]!.isLeading).toBe(true));
		expect(await all[1 - leader]!.tick()).toBe('leader true');
	});

	it('63: end when the session is lost, and begin again in the next', async () => {
		const cable = servers.keep(await Cable.lay(endpoints));
		const leading = (await start({ providers: [Leading] }, cable.address, 3000)).get(Leading);
		await eventually(() => expect(leading.isLeading).toBe(true));
		const held = gate();
		leading.gate = held.promise;
		const running = leading.tick();
		cable.unplug();
		await eventually(() => expect(leading.isLeading).toBe(false));
		expect(await leading.tick()).toBeUndefined();
		held.open();
		await expect(running).rejects.toBeInstanceOf(LockLostError);
		cable.plug();
		await eventually(() => expect(leading.isLeading).toBe(true));
	});
});

it('a leader whose work fails makes room for others, and stands again; one whose work is done leads on', async () => {
	const stumbling = (await start({ providers: [Stumbling] })).get(Stumbling);
	await eventually(() => expect(stumbling.runs).toBe(2));
	expect(stumbling.tokens[1]!).toBeGreaterThan(stumbling.tokens[0]!);
	expect(await stumbling.tick()).toBe('leads');
});

it('a configuration is injected, and live', async () => {
	const schema = (value: unknown): Limits => {
		const { limit } = value as Partial<Limits>;
		if (typeof limit !== 'number') throw new Error('limit is a number');
		return { limit };
	};
	const limits = ChronokeeperModule.forConfiguration({ path: '/config/limits', schema, initial: { limit: 5 } });
	const limited = (await start({ imports: [limits], providers: [Limited] })).get(Limited);
	expect(limited.configuration.value).toEqual({ limit: 5 });
	await ck.set('/config/limits/limit', '6');
	await eventually(() => expect(limited.configuration.value).toEqual({ limit: 6 }));
});

it('Terminus hears whether a quorum answers', async () => {
	const cable = servers.keep(await Cable.lay(endpoints));
	const application = await start({ imports: [TerminusModule.forRoot({ logger: false })] }, cable.address);
	const indicator = application.get(ChronokeeperHealthIndicator);
	const health = application.get(HealthCheckService);
	const up = await health.check([() => indicator.isHealthy()]);
	expect(up.details).toMatchObject({ chronokeeper: { status: 'up', state: 'connected' } });
	cable.unplug();
	const down = health.check([() => indicator.isHealthy('coordination', { timeoutMs: 100 })]);
	await expect(down).rejects.toMatchObject({
		response: {
			status: 'error',
			error: { coordination: { status: 'down', message: expect.stringContaining('100 ms') } },
		},
	});
	cable.plug();
});
