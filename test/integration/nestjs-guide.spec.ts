/** docs/nestjs.md: each of its programs compiles, and is a part of an application that starts and does what it says. */
import 'reflect-metadata';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import * as client from '#client/index';
import * as nestjs from '#nestjs/index';
import { chronokeeperToken, configurationToken } from '#nestjs/tokens';
import type { GuideRun } from '#test/support/guide-programs';
import { testGuide } from '#test/support/guide-spec';

/** What the store of the guide's invoices was sent. */
const fences: (string | string[] | undefined)[] = [];
const store = createServer((request, response) => {
	fences.push(request.headers.fence);
	response.end();
});
beforeAll(async () => {
	await once(store.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => store.close());

/** The application with what the program exports in it. */
async function started({ exported }: GuideRun, address: string) {
	const [[name, part]] = Object.entries(exported) as [[string, Type]];
	const imports = [nestjs.ChronokeeperModule.forRoot({ endpoints: address }), TerminusModule];
	class Root {}
	if (name === 'AppModule') Module({ imports: [part] })(Root);
	else if (name.endsWith('Module')) Module({ imports: [...imports, part] })(Root);
	else Module({ imports, providers: [part] })(Root);
	const application = await NestFactory.createApplicationContext(Root, { logger: false, abortOnError: false });
	return { application, part: application.get<Record<string, (...args: unknown[]) => Promise<unknown>>>(part) };
}

const checks: Readonly<Record<string, (of: Awaited<ReturnType<typeof started>>) => Promise<void>>> = {
	'Chronokeeper in NestJS': async ({ application }) => {
		const ck = application.get<client.Chronokeeper>(chronokeeperToken);
		expect(ck.state).toBe('connected');
	},
	'The client': async ({ part }) => expect(part.ck).toBeInstanceOf(client.Chronokeeper),
	'One at a time: @Locked': async ({ part }) => {
		await part.write!('ann');
		expect(fences).toEqual([expect.stringMatching(/^[1-9]/)]);
	},
	'At the leader: @LeaderOnly, @WhileLeader': async ({ part, application }) => {
		const election = new client.LeaderElection(application.get(chronokeeperToken), '/leaders/reports');
		await vi.waitFor(async () => expect(await election.leader()).toBeDefined(), { timeout: 20_000 });
		// That it was begun is seen by its end: the application waits for it when it is closed.
		await part.nightly!();
	},
	Configuration: async ({ application }) => {
		const limits = application.get<client.Configuration<object>>(configurationToken('/config/limits'));
		expect(limits.value).toEqual({ perMinute: 60 });
	},
	Health: async ({ part }) => expect(await part.check!()).toMatchObject({ status: 'ok' }),
};

testGuide({
	name: 'nestjs.md',
	modules: { '@chronokeeper/client': client, '@chronokeeper/nestjs': nestjs },
	replaced: (address) => [
		['ck1:50051,ck2:50051,ck3:50051', address],
		['https://store.example', `http://127.0.0.1:${(store.address() as AddressInfo).port}`],
	],
	check: async (title, run, address) => {
		const of = await started(run, address);
		try {
			await checks[title]!(of);
		} finally {
			await of.application.close();
		}
	},
});
