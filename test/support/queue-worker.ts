/**
 * A process that works on the elements of a queue until it is killed: takes one or some, sometimes gives one back, acknowledges the others, and says all of it, a line each. What it says of an
 * element's possession is said before the work begins.
 */
import { connect, LockLostError, Queue, type QueueItem, SessionExpiredError, textCodec } from '#client/index';

const [endpoints, sessionTimeoutMs, path] = process.argv.slice(2) as [string, string, string];

function say(kind: string, { value, name, token }: QueueItem<string>, number = token): void {
	process.stdout.write(`${JSON.stringify({ kind, value, name, number: `${number}` })}\n`);
}

const ck = await connect({ endpoints, sessionTimeoutMs: Number(sessionTimeoutMs), connectTimeoutMs: 120_000 });
const queue = new Queue(ck, path, { codec: textCodec, lookAhead: 20 });
for await (const item of queue.consume({ prefetch: 1 + Math.floor(Math.random() * 4) })) {
	say('has', item);
	// The work.
	for (let rounds = Math.random() * 10; rounds > 0; rounds--) await ck.sync('/').catch(() => undefined);
	if (Math.random() < 0.1) {
		await item.release().catch(() => undefined);
		say('released', item);
		continue;
	}
	try {
		say('acked', item, await item.ack());
	} catch (error) {
		if (error instanceof LockLostError) say('refused', item);
		else if (error instanceof SessionExpiredError) say('perhaps', item);
		else throw error;
	}
}
