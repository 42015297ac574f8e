import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { After } from '#core/ports/timers';
import { freePorts } from '#test/support/processes';
import {
	closeAll,
	End,
	eventually,
	host,
	linked,
	openServers,
	openSockets,
	packet,
	quorumPort,
} from '#test/support/quorum-links';

afterEach(closeAll);

describe('a quorum port', () => {
	it('lets nobody in before its server leads nor afterwards, and keeps who is there', async () => {
		const ports = await freePorts(1);
		const warnings: string[] = [];
		const leaderPort = quorumPort(ports, { warn: (message) => warnings.push(message) });
		const learnerPort = quorumPort(ports, { connectAttempts: 1 });
		const refusal = /server 1 cannot be reached on its quorum port: 127\.0\.0\.1:\d+: connect ECONNREFUSED/;
		await expect(learnerPort.connect(1, new End().connected)).rejects.toThrow(refusal);
		const [leader, learner] = [new End(), new End()];
		const stop = leaderPort.accept(leader.connected);
		await eventually(() => learnerPort.connect(1, learner.connected));
		stop();
		await expect(learnerPort.connect(1, new End().connected)).rejects.toThrow(refusal);
		learner.link.send(packet(1));
		await eventually(() => expect(leader.zxids).toEqual([1]));
		// Elected again at once, and again before anything listens.
		leaderPort.accept(leader.connected)();
		leaderPort.accept(leader.connected)();
		leaderPort.accept(leader.connected);
		const again = new End();
		await eventually(() => learnerPort.connect(1, again.connected));
		again.link.send(packet(2));
		await eventually(() => expect(leader.zxids).toEqual([1, 2]));
		expect(warnings).toEqual([]);
	});

	it('82: listens where its server is when it leads', async () => {
		const ports = await freePorts(2);
		let own = ports[0]!;
		const leaderPort = quorumPort([], { listenOn: () => [{ host, port: own }] });
		const stop = leaderPort.accept(new End().connected);
		await eventually(() => quorumPort([ports[0]!]).connect(1, new End().connected));
		stop();
		own = ports[1]!;
		const leader = new End();
		leaderPort.accept(leader.connected);
		const learner = new End();
		await eventually(() => quorumPort([ports[1]!]).connect(1, learner.connected));
		learner.link.send(packet(1));
		await eventually(() => expect(leader.zxids).toEqual([1]));
		const former = quorumPort([ports[0]!], { connectAttempts: 1 });
		await expect(former.connect(1, new End().connected)).rejects.toThrow('ECONNREFUSED');
	});

	it('does not listen when it was told to stop before it did', async () => {
		const ports = await freePorts(1);
		const deposed = quorumPort(ports);
		deposed.accept(new End().connected)();
		await deposed.close();
		const warnings: string[] = [];
		quorumPort(ports, { warn: (message) => warnings.push(message) }).accept(new End().connected);
		await eventually(() => quorumPort(ports).connect(1, new End().connected));
		expect(warnings).toEqual([]);
	});

	it('tries again to connect, a few times, and at every address', async () => {
		const ports = await freePorts(2);
		const waits: number[] = [];
		const leader = new End();
		const leaderPort = quorumPort([ports[1]!]);
		const learnerPort = quorumPort(ports, {
			connectAttempts: 4,
			after: (ms, run) => {
				if (ms === 100) waits.push(ms);
				// The leader is there at the third attempt.
				if (waits.length === 3 && ms === 100) leaderPort.accept(leader.connected);
				const timer = setTimeout(run, ms === 100 ? 10 : ms);
				return () => clearTimeout(timer);
			},
		});
		const learner = new End();
		await learnerPort.connect(1, learner.connected);
		learner.link.send(packet(1));
		await eventually(() => expect(leader.zxids).toEqual([1]));
		expect(waits.length).toBeGreaterThanOrEqual(3);
	});

	it('gives up after so many attempts, or at the deadline', async () => {
		const ports = await freePorts(1);
		const after = vi.fn<After>((ms, run) => {
			const timer = setTimeout(run, ms / 10);
			return () => clearTimeout(timer);
		});
		const learnerPort = quorumPort(ports, { after });
		await expect(learnerPort.connect(1, new End().connected)).rejects.toThrow(/ECONNREFUSED/);
		expect(after.mock.calls.filter(([ms]) => ms === 100)).toHaveLength(4);
		const hasty = quorumPort(ports, { connectTimeoutMs: 20, connectRetryMs: 10_000 });
		await expect(hasty.connect(1, new End().connected)).rejects.toThrow(
			`server 1 cannot be reached on its quorum port: no answer from 127.0.0.1:${ports[0]} within 20 ms`,
		);
		await expect(quorumPort([]).connect(1, new End().connected)).rejects.toThrow(/no address is known/);
	});

	it('says once that it cannot listen, and does when it can', async () => {
		const ports = await freePorts(1);
		const server = createServer();
		openServers.add(server);
		server.listen(ports[0]!, host);
		await once(server, 'listening');
		const warnings: string[] = [];
		const leader = new End();
		const leaderPort = quorumPort(ports, { warn: (message) => warnings.push(message), listenRetryMs: 5 });
		leaderPort.accept(leader.connected);
		await eventually(() => expect(warnings).toHaveLength(1));
		expect(warnings[0]).toMatch(/^quorum: 127\.0\.0\.1:\d+ cannot be listened on: listen EADDRINUSE/);
		server.close();
		const learner = new End();
		await eventually(() => quorumPort(ports).connect(1, learner.connected));
		learner.link.send(packet(1));
		await eventually(() => expect(leader.zxids).toEqual([1]));
		expect(warnings).toHaveLength(1);
	});

	it('takes connections that say nonsense, or nothing and go', async () => {
		const { leader, port } = await linked();
		const garbage = connect(port, host);
		openSockets.add(garbage);
		garbage.on('error', () => {});
		garbage.write('GET / HTTP/1.1\r\nHost: zookeeper\r\n\r\n');
		await once(garbage, 'close');
		expect(leader.reasons[0]!.message).toMatch(/malformed bytes/);
		connect(port, host, function (this: Socket) {
			this.destroy();
		});
		await eventually(() => expect(leader.reasons).toHaveLength(2));
	});

	it('closes its links when it is closed, and frees its address', async () => {
		const { leader, learner, leaderPort, port } = await linked();
		await leaderPort.close();
		expect(leader.reasons).toHaveLength(1);
		await eventually(() => expect(learner.reasons).toHaveLength(1));
		await expect(leaderPort.connect(1, new End().connected)).rejects.toThrow(/the port was closed/);
		const next = new End();
		quorumPort([port]).accept(next.connected);
		await eventually(() => quorumPort([port]).connect(1, new End().connected));
	});
});
