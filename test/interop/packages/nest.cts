/** A Nest application with the package, in CommonJS. */
import { equal, ok } from 'node:assert/strict';
import 'reflect-metadata';
import type { Chronokeeper } from '@chronokeeper/client';
import nest = require('@chronokeeper/nestjs');
import common = require('@nestjs/common');
import core = require('@nestjs/core');

@common.Injectable()
class Invoices {
	constructor(@nest.InjectChronokeeper() readonly ck: Chronokeeper) {}

	@nest.Locked('/locks/invoices')
	async write(): Promise<bigint> {
		return nest.currentLock().token;
	}
}

@common.Module({
	imports: [nest.ChronokeeperModule.forRoot({ endpoints: process.argv[2]! })],
	providers: [Invoices],
})
class AppModule {}

async function main(): Promise<void> {
	const app = await core.NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
	const invoices = app.get(Invoices);
	equal(invoices.ck.state, 'connected');
	ok((await invoices.write()) > 0n);
	await app.close();
}

main().then(
	() => console.log('all is well'),
	(error: unknown) => {
		console.error(error);
		process.exitCode = 1;
	},
);
