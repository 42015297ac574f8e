/**
 * Create a node, watch it, and take turns under a lock: with the TypeScript client. `npm install @chronokeeper/client`, then `node basics.ts ADDRESS` (Node 24, or 22 with
 * --experimental-strip-types).
 */
import { connect, DistributedLock } from '@chronokeeper/client';

await using ck = await connect({ endpoints: process.argv[2] ?? '127.0.0.1:50051' });

await ck.create('/typescript', 'hello');
console.log(`created /typescript: ${(await ck.get('/typescript')).data}`);

const events = ck.watch('/typescript', { withData: true });
await ck.set('/typescript', 'world');
for await (const event of events) {
	console.log(`changed ${event.path}: ${event.data}`);
	break;
}

const lock = new DistributedLock(ck, '/typescript/lock');
const first = await lock.acquire({ timeoutMs: 10_000 });
console.log('first has the lock');
const waiting = lock.acquire({ timeoutMs: 60_000 });
console.log('first releases it');
await first.release();
await using second = await waiting;
console.log(`second has the lock, with a greater token: ${second.token > first.token}`);
