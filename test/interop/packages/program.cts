/** A user's program in CommonJS. */
import { equal, rejects } from 'node:assert/strict';
import client = require('@chronokeeper/client');
import recipes = require('@chronokeeper/client/recipes');

async function main(): Promise<void> {
	await using ck = await client.connect({ endpoints: [process.argv[2]!], chroot: '/common' });
	await ck.ensurePath('/');
	const { path } = await ck.create('/n-', new Uint8Array([1, 2]), { mode: 'persistentSequential' });
	equal(path, '/n-0000000000');
	const { data, stat } = await ck.get(path);
	equal(data?.length, 2);
	equal(typeof stat.mzxid, 'bigint');
	await using held = await new recipes.DistributedLock(ck, '/locks/b').acquire();
	equal(typeof held.token, 'bigint');
	await rejects(ck.delete('/missing'), client.NoNodeError);
}

main().then(
	() => console.log('all is well'),
	(error: unknown) => {
		console.error(error);
		process.exitCode = 1;
	},
);
