/** A user's application in Nest. */
import 'reflect-metadata';
import { equal } from 'node:assert/strict';
import type { Chronokeeper } from '@chronokeeper/client';
import { ChronokeeperModule, currentLock, InjectChronokeeper, LeaderOnly, Locked } from '@chronokeeper/nestjs';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

@Injectable()
class Counter {
	constructor(@InjectChronokeeper() readonly ck: Chronokeeper) {}

	@Locked((name: string) => `/locks/${name}`)
	async count(name: string): Promise<bigint> {
		equal(name, 'visits');
		return currentLock().token;
	}

	@LeaderOnly('/leaders/counter')
	async lead(): Promise<string> {
		return 'leads';
	}
}

@Module({ imports: [ChronokeeperModule.forRoot({ endpoints: process.argv[2]! })], providers: [Counter] })
class Application {}

const application = await NestFactory.createApplicationContext(Application, { logger: false });
const counter = application.get(Counter);
const first = await counter.count('visits');
equal((await counter.count('visits')) > first, true);
for (;;) if ((await counter.lead()) === 'leads') break;
await application.close();
equal(counter.ck.state, 'closed');
console.log('all is well');
