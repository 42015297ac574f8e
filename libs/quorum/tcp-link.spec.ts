import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { QuorumLink } from '#core/ports/quorum-link';
import { JuteError } from '#jute/codec';
import { QuorumPacketDecoder } from '#jute/quorum/packet-decoder';
import { packetType } from '#jute/quorum/packets';
import { closeAll, End, encoded, eventually, host, linked, linkedToSocket, packet } from '#test/support/quorum-links';
import { TcpLink } from './tcp-link.ts';

afterEach(closeAll);

function* chunksOf(bytes: number, chunkBytes: number, drawn = { chunks: 0, returned: false }): Generator<Uint8Array> {
	try {
		// The same memory again and again, as a writer of snapshots does.
		const chunk = new Uint8Array(chunkBytes);
		for (let at = 0; at < bytes; at += chunkBytes) {
			chunk.fill(drawn.chunks++ % 251);
			yield chunk.subarray(0, Math.min(chunkBytes, bytes - at));
		}
	} finally {
		drawn.returned = true;
	}
}

/** Without a port that ends its turns; `waiting` is what that port would have been told. */
async function linkByItself() {
	const { socket } = await linkedToSocket();
	const waiting: TcpLink[] = [];
	const link = new TcpLink(socket, {
		maxPacketBytes: 1 << 20,
		maxUnsentBytes: 1 << 20,
		after: () => () => {},
		willFlush: () => {},
		hasReceived: (one) => waiting.push(one),
		closed: () => {},
	});
	const end = new End();
	link.listen(end);
	return { socket, link, end, waiting };
}

describe('a link', () => {
	it('brings packets whole and in order, both ways', async () => {
		const { leader, learner } = await linked();
		const sent = Array.from({ length: 2000 }, (_, zxid) => packet(zxid - 1, new Uint8Array(zxid % 300).fill(zxid)));
		for (const each of sent) {
			leader.link.send(each);
			learner.link.send(each);
		}
		const large = packet(5000, new Uint8Array(1_500_000).fill(3), packetType.request);
		leader.link.send({ ...large, authinfo: [{ scheme: 'ip', id: host }] });
		await eventually(() => expect(learner.packets).toHaveLength(2001));
		await eventually(() => expect(leader.packets).toHaveLength(2000));
		expect(leader.packets).toEqual(sent);
		expect(learner.packets.slice(0, 2000)).toEqual(sent);
		expect(learner.packets[2000]?.authinfo).toEqual([{ scheme: 'ip', id: host }]);
		expect(Buffer.compare(learner.packets[2000]!.data!, large.data!)).toBe(0);
		expect(leader.link.address).toMatch(/^127\.0\.0\.1:\d+$/);
	});

	it('sends the packets of one turn of the event loop in one write, and reads them in one', async () => {
		const { leader, learner } = await linked();
		for (let round = 1; round <= 5; round++) {
			for (let i = 0; i < 100; i++) leader.link.send(packet(i));
			expect(leader.link.unsentBytes).toBe(100 * 20);
			await eventually(() => expect(learner.packets).toHaveLength(round * 100));
			expect(leader.link.unsentBytes).toBe(0);
		}
		expect(learner.reads).toEqual([100, 200, 300, 400, 500]);
	});

	it('sends at once when it is asked to', async () => {
		const { leader, leaderPort } = await linked();
		leader.link.send(packet(1));
		leaderPort.flush();
		expect(leader.link.unsentBytes).toBe(0);
	});

	it('reads packets that come a byte at a time', async () => {
		const { learner, socket } = await linkedToSocket();
		const packets = [packet(1, Uint8Array.of(1, 2)), packet(-1), { ...packet(3), authinfo: [{ scheme: 'a', id: '' }] }];
		socket.setNoDelay(true);
		for (const byte of encoded(...packets)) {
			socket.write(Uint8Array.of(byte));
			await new Promise((resolve) => setImmediate(resolve));
		}
		await eventually(() => expect(learner.packets).toEqual(packets));
	});

	it.each([
		[
			'a length that lies',
			Buffer.from('000000020000000000000001ffffff00', 'hex'),
			/malformed bytes from 127.*claims -256/,
		],
		[
			'data beyond jute.maxbuffer',
			Buffer.from('00000002000000000000000100010000', 'hex'),
			/claims 65536 .*jute\.maxbuffer/,
		],
		[
			'a zxid that is none',
			Buffer.from('000000027fffffffffffffffffffffffffffffff', 'hex'),
			/type 2 is malformed: long 0x7f/,
		],
	])('is closed by %s, with a reason', async (_, bytes, reason) => {
		const { learner, socket } = await linkedToSocket({ maxPacketBytes: 1000 });
		socket.write(Buffer.concat([encoded(packet(1)), bytes, encoded(packet(2))]));
		await eventually(() => expect(learner.reasons).toHaveLength(1));
		expect(learner.reasons[0]!.message).toMatch(reason);
		expect(learner.zxids).toEqual([1]);
	});

	it('is closed when what a packet carries is malformed', async () => {
		const { learner, leader } = await linked();
		learner.onPacket = () => {
			throw new JuteError('an int needs 4 bytes and 3 remain', 7);
		};
		leader.link.send(packet(1));
		leader.link.send(packet(2));
		await eventually(() => expect(learner.reasons).toHaveLength(1));
		expect(learner.reasons[0]!.message).toMatch(/malformed bytes from .*an int needs 4 bytes/);
		expect(learner.zxids).toEqual([1]);
		await eventually(() => expect(leader.reasons).toHaveLength(1));
	});

	it('delivers what was sent before it was closed, and then nothing, and says why once at both ends', async () => {
		const { leader, learner } = await linked();
		for (let zxid = 0; zxid < 1000; zxid++) leader.link.send(packet(zxid, new Uint8Array(1000)));
		leader.link.close();
		leader.link.close();
		leader.link.send(packet(1000));
		await eventually(() => expect(learner.reasons).toEqual([new Error('the other side closed the connection')]));
		expect(learner.packets).toHaveLength(1000);
		await eventually(() => expect(leader.reasons).toEqual([new Error('the link was closed here')]));
		learner.link.close();
		expect(learner.reasons).toHaveLength(1);
	});

	it('tells once of what one turn of the event loop brought, in however many reads it came', async () => {
		const { socket, link, end, waiting } = await linkByItself();
		const bytes = encoded(packet(1), packet(2, new Uint8Array(100)), packet(3));
		for (let at = 0; at < bytes.length; at += 50) socket.emit('data', Buffer.from(bytes.subarray(at, at + 50)));
		expect(end.zxids).toEqual([1, 2, 3]);
		expect(end.reads).toEqual([]);
		expect(waiting).toEqual([link]);
		link.tellReceived();
		link.tellReceived();
		expect(end.reads).toEqual([3]);
		socket.emit('data', Buffer.from(encoded(packet(4))));
		expect(waiting).toEqual([link, link]);
	});

	it.each(['this side', 'malformed bytes'])('tells of what came before %s closed it', async (who) => {
		const { socket, link, end } = await linkByItself();
		socket.emit('data', Buffer.from(encoded(packet(1))));
		if (who === 'this side') {
			link.close();
			expect(end.reads).toEqual([1]);
		} else {
			socket.emit('data', Buffer.from('000000020000000000000001ffffff00', 'hex'));
		}
		await link.ended;
		expect(end.reads).toEqual([1]);
		link.tellReceived();
		expect(end.reads).toEqual([1]);
		expect(end.reasons).toHaveLength(1);
	});

	it('receives nothing any more once it was closed, not even what came in the same read', async () => {
		const { leader, learner } = await linked();
		learner.onPacket = ({ zxid }, { link }) => {
			if (zxid === 2) link.close();
		};
		for (const zxid of [1, 2, 3]) leader.link.send(packet(zxid));
		await eventually(() => expect(learner.reasons).toHaveLength(1));
		expect(learner.zxids).toEqual([1, 2]);
	});

	it('is closed at once by an other side that resets it', async () => {
		const { learner, socket } = await linkedToSocket();
		socket.resetAndDestroy();
		await eventually(() => expect(learner.reasons).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]));
	});

	it('keeps what the other side does not read yet as it was sent', async () => {
		const { learner, socket } = await linkedToSocket();
		socket.pause();
		const count = 3000;
		for (let zxid = 0; zxid < count; zxid++) {
			learner.link.send(packet(zxid, new Uint8Array(10_000).fill(zxid % 251)));
			await new Promise((resolve) => setImmediate(resolve));
		}
		expect(learner.link.unsentBytes).toBeGreaterThan(1_000_000);
		const decoder = new QuorumPacketDecoder(1 << 20);
		let found = 0;
		socket.on('data', (chunk) => {
			decoder.push(chunk);
			for (let next = decoder.next(); next !== null; next = decoder.next())
				if (next.zxid === found && next.data!.every((byte) => byte === found % 251)) found++;
		});
		socket.resume();
		await eventually(() => expect(found).toBe(count));
	});

	it('is closed when the other side does not read and too much waits for it', async () => {
		const { learner, socket } = await linkedToSocket({ maxUnsentBytes: 20 << 20 });
		socket.pause();
		let most = 0;
		for (let i = 0; learner.reasons.length === 0 && i < 10_000; i++) {
			learner.link.send(packet(i, new Uint8Array(100_000)));
			most = Math.max(most, learner.link.unsentBytes);
			if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
		}
		expect(learner.reasons[0]?.message).toMatch(/^127\.0\.0\.1:\d+ does not read: 2\d{7} bytes wait to be sent to it$/);
		expect(most).toBeGreaterThan(19 << 20);
		expect(most).toBeLessThan(21 << 20);
		expect(learner.link.unsentBytes).toBe(0);
	});

	it('refuses a zxid that is not a safe integer, and goes on', async () => {
		const { leader, learner } = await linked();
		leader.link.send(packet(1));
		expect(() => leader.link.send(packet(2 ** 53))).toThrow(RangeError);
		leader.link.send(packet(2));
		await eventually(() => expect(learner.zxids).toEqual([1, 2]));
	});
});

describe('a stream', () => {
	it('of 200 MB stands between the packets around it, and little of it is in memory', async () => {
		const { leader, learner } = await linked();
		const size = 200_000_000;
		const chunkBytes = 64 * 1024;
		let [taken, wrong, most] = [0, 0, 0];
		learner.onPacket = ({ type }, { link }) => {
			if (type !== packetType.snap) return;
			link.receiveStream((chunk) => {
				const own = Math.min(chunk.length, size - taken);
				if (own > 0 && chunk[0] !== Math.floor(taken / chunkBytes) % 251) wrong++;
				taken += own;
				most = Math.max(most, process.memoryUsage.rss());
				return taken === size ? chunk.subarray(own) : null;
			});
		};
		const before = process.memoryUsage.rss();
		const outcomes: (Error | undefined)[] = [];
		leader.link.send(packet(1));
		leader.link.send(packet(2, null, packetType.snap));
		leader.link.sendStream(chunksOf(size, chunkBytes), (error) => outcomes.push(error));
		leader.link.send(packet(3, null, packetType.newLeader));
		leader.link.send(packet(4));
		await eventually(() => expect(learner.packets).toHaveLength(4));
		expect(learner.zxids).toEqual([1, 2, 3, 4]);
		expect({ taken, wrong, outcomes }).toEqual({ taken: size, wrong: 0, outcomes: [undefined] });
		expect(most - before).toBeLessThan(100_000_000);
	});

	it('is drawn no faster than the other side reads', async () => {
		const { learner, socket } = await linkedToSocket();
		socket.pause();
		const drawn = { chunks: 0, returned: false };
		const outcomes: (Error | undefined)[] = [];
		learner.link.sendStream(chunksOf(100_000_000, 10_000, drawn), (error) => outcomes.push(error));
		learner.link.send(packet(1));
		let still = 0;
		for (let last = -1; still < 100; still = drawn.chunks === last ? still + 1 : 0) {
			last = drawn.chunks;
			await new Promise((resolve) => setImmediate(resolve));
		}
		expect(drawn.chunks * 10_000).toBeLessThan(20_000_000);
		expect(learner.link.unsentBytes).toBeLessThan(10_000 + 21);
		let bytes = 0;
		socket.on('data', ({ length }) => {
			bytes += length;
		});
		socket.resume();
		await eventually(() => expect(bytes).toBe(100_000_000 + 20));
		expect({ outcomes, drawn }).toEqual({ outcomes: [undefined], drawn: { chunks: 10_000, returned: true } });
	});

	it('that begins and ends inside of a read leaves the rest to the packets', async () => {
		const { learner, socket } = await linkedToSocket();
		const seen: number[][] = [];
		learner.onPacket = ({ type }, { link }) => {
			if (type !== packetType.snap) return;
			let left = 3;
			link.receiveStream((chunk) => {
				const own = Math.min(left, chunk.length);
				seen.push([...chunk.subarray(0, own)]);
				left -= own;
				return left === 0 ? chunk.subarray(own) : null;
			});
		};
		const snap = encoded(packet(1, null, packetType.snap));
		const bytes = Buffer.concat([snap, Uint8Array.of(1, 2, 3), snap, Uint8Array.of(4, 5, 6), encoded(packet(9))]);
		socket.write(bytes);
		await eventually(() => expect(learner.zxids).toEqual([1, 1, 9]));
		expect(seen).toEqual([
			[1, 2, 3],
			[4, 5, 6],
		]);
		socket.setNoDelay(true);
		for (const byte of bytes) {
			socket.write(Uint8Array.of(byte));
			await new Promise((resolve) => setImmediate(resolve));
		}
		await eventually(() => expect(learner.zxids).toEqual([1, 1, 9, 1, 1, 9]));
		expect(seen.slice(2).flat()).toEqual([1, 2, 3, 4, 5, 6]);
	});

	it.each([
		['the other side goes', ({ socket }: { socket: Socket }) => socket.destroy()],
		['the link is closed', ({ link }: { link: QuorumLink }) => link.close()],
	])('tells once when %s, and gives back what it was drawn from', async (_, end) => {
		const { learner, socket } = await linkedToSocket();
		const drawn = { chunks: 0, returned: false };
		const outcomes: (Error | undefined)[] = [];
		const done = (error?: Error): void => {
			outcomes.push(error);
		};
		learner.link.sendStream(chunksOf(100_000_000, 10_000, drawn), done);
		learner.link.sendStream(chunksOf(100, 100), done);
		await eventually(() => expect(drawn.chunks).toBeGreaterThan(0));
		end({ socket, link: learner.link });
		await eventually(() => expect(learner.reasons).toHaveLength(1));
		expect(outcomes).toEqual([learner.reasons[0], learner.reasons[0]]);
		expect(drawn.returned).toBe(true);
		learner.link.sendStream(chunksOf(100, 100), done);
		await eventually(() => expect(outcomes).toHaveLength(3));
	});

	it('that cannot go on closes the link: what the other side has is not whole', async () => {
		const { leader, learner } = await linked();
		const broken = function* (): Generator<Uint8Array> {
			yield Uint8Array.of(1);
			throw new Error('the tree is gone');
		};
		const outcomes: (Error | undefined)[] = [];
		leader.link.sendStream(broken(), (error) => outcomes.push(error));
		await eventually(() => expect(leader.reasons).toEqual([new Error('the tree is gone')]));
		expect(outcomes).toEqual([new Error('the tree is gone')]);
		await eventually(() => expect(learner.reasons).toHaveLength(1));
	});
});
