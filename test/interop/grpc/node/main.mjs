/**
 * The whole API from plain JavaScript, with grpc-js and proto-loader.
 *
 *     main.mjs --list                              the titles of the checks
 *     main.mjs host:port,… server.4=…              runs them all, on three replicas and one that stands alone
 */
import { deepEqual, notEqual } from 'node:assert/strict';
import { check, checks } from './checks.mjs';
import { allMethods, allOperations, call, called, Replica } from './client.mjs';
import { operated } from './holding.mjs';
import './nodes.mjs';
import './operating.mjs';
import './restoring.mjs';

check('every method of every service was called, and every operation sent on a stream', async () => {
	notEqual(allMethods.length, 0);
	notEqual(allOperations.length, 0);
	deepEqual(
		allMethods.filter((method) => !called.has(method)),
		[],
	);
	deepEqual(
		allOperations.filter((name) => !operated.has(name)),
		[],
	);
});

const [addresses, joiner] = process.argv.slice(2);
if (addresses === '--list') console.log(JSON.stringify(checks.map(({ title }) => title)));
else {
	const [one, two, three, alone] = addresses.split(',').map((address) => new Replica(address));
	for (const [index, { title, run }] of checks.entries()) {
		const root = `/node-${index}`;
		const world = { one, two, three, alone, joiner, root };
		let failure = null;
		try {
			for (const replica of [one, alone]) await call(replica.znode, 'create', { path: root });
			await run(world);
		} catch (error) {
			failure = `${error.stack}`;
		}
		console.log(JSON.stringify({ title, failure }));
	}
	for (const replica of [one, two, three, alone]) replica.close();
}
