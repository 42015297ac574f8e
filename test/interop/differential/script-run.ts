/** A script under way on one server: its connections, its sessions, and what each slot has seen. */

import type { ConnectRequest } from '#jute/client/connect';
import { errors } from '#jute/errors';
import { opCode } from '#jute/op-codes';
import { WireClient, type WireReply, type WireSession } from '#test/support/wire-client';
import { maxTimeoutMs } from './generator.ts';
import { bodyOf, type ScriptRequest, type SeenZxid, type Slot, type Step } from './script.ts';
import type { Names } from './transcript.ts';

/** What a server that answers at all needs at most. */
const patienceMs = 10_000;
interface Early {
	readonly cut?: number;
	readonly early?: readonly ScriptRequest[];
}

/** For a connection that ought to be closed by now. */
const closingMs = 10_000;

interface SlotState {
	client: WireClient | undefined;
	session: WireSession | undefined;
	/** Of `client.log`: how much is in the transcript. */
	taken: number;
	/** Whether the end of `client` is in the transcript. */
	endTold: boolean;
	seenZxid: number;
}

export class ScriptRun {
	#port: number;
	readonly #names: Names;
	readonly #slots: SlotState[];
	/** Every session that was granted, in that order. */
	readonly sessions: WireSession[] = [];
	readonly #lines: string[][];

	constructor(server: { readonly port: number; readonly names: Names }, slots: number) {
		this.#port = server.port;
		this.#names = server.names;
		this.#slots = Array.from({ length: slots }, () => ({
			client: undefined,
			session: undefined,
			taken: 0,
			endTold: false,
			seenZxid: 0,
		}));
		this.#lines = this.#slots.map(() => []);
	}

	/** What the slot has seen that was not asked for before. */
	takeLines(slot: Slot): string[] {
		this.#collect(slot);
		return this.#lines[slot]!.splice(0);
	}

	/** The server was started anew and listens there now. */
	moveTo(port: number): void {
		this.#port = port;
	}

	async perform(step: Step): Promise<void> {
		switch (step.kind) {
			case 'open':
				return this.#connect(
					step.slot,
					{
						timeoutMs: step.timeoutMs,
						readOnly: step.readOnly,
						protocolVersion: step.protocolVersion,
						lastZxidSeen: this.#zxid(step.slot, step.seen),
					},
					step,
				);
			case 'reattach': {
				const session = this.#slots[step.of]!.session;
				if (session === undefined) return;
				// ZooKeeper closes the session's connection before it looks at the password (docs/divergence.md).
				if (step.password !== 'right') await this.#dropSession(session.id);
				return this.#connect(step.slot, {
					sessionId: session.id,
					password: passwordOf(session, step.password),
					timeoutMs: step.timeoutMs,
					readOnly: step.readOnly,
					lastZxidSeen: this.#zxid(step.slot, step.seen),
				});
			}
			case 'unknownSession':
				return this.#connect(step.slot, { sessionId: 0x1234_5678n as WireSession['id'], password: new Uint8Array(16) });
			case 'raw':
				return this.#raw(step.slot, step.bytes, step.early);
			case 'drop':
				return this.#drop(step.slot);
			case 'send':
				return this.#send(step.slot, step.requests);
			default:
				step satisfies never;
		}
	}

	/** A ping on every connection: whatever was to come before it has come, and is in the transcript. */
	async settle(): Promise<void> {
		for (const slot of this.#slots.keys()) {
			await this.#settle(slot);
			this.#collect(slot);
		}
	}

	/** Does what makes events whose order nobody promises: those that came of it stand in the order of their words. */
	async unordered(act: () => Promise<void>): Promise<void> {
		await this.settle();
		const before = this.#lines.map((lines) => lines.length);
		await act();
		await this.settle();
		for (const [slot, lines] of this.#lines.entries()) {
			const since = lines.splice(before[slot]!);
			const isEvent = (line: string): boolean => line.startsWith('event');
			lines.push(...since.filter(isEvent).sort(), ...since.filter((line) => !isEvent(line)));
		}
	}

	async #settle(slot: Slot): Promise<void> {
		const { client } = this.#slots[slot]!;
		if (client !== undefined && !client.isClosed) {
			await this.#send(slot, [{ type: opCode.ping, bytes: new Uint8Array(0) }]);
		}
	}

	/** Ends every session there was, one after the other. */
	async end(): Promise<void> {
		for (const slot of this.#slots.keys()) await this.#drop(slot);
		for (const session of this.sessions) {
			const client = await WireClient.reattach(this.#port, session);
			if (client.connected.timeoutMs > 0) {
				await within(
					patienceMs,
					client.send({ kind: 'closeSession' }).catch(() => undefined),
				);
				await within(closingMs, client.closed);
			}
			await client.close();
		}
	}

	async #connect(slot: Slot, handshake: Partial<ConnectRequest>, { cut, early = [] }: Early = {}): Promise<void> {
		await this.#drop(slot);
		// Whose connection this takes away: its end belongs to this step.
		const holders = [...this.#slots.keys()].filter((other) => this.#has(other, handshake.sessionId));
		for (const other of holders) await this.#settle(other);
		const client = await this.#open(slot);
		const state = this.#slots[slot]!;
		const answering = client.handshake(handshake, cut).catch(() => undefined);
		const earlyAnswers = client.sendTogether(early.map((item) => ({ type: item.type, body: bodyOf(item, 0) })));
		const answer = await within(patienceMs, answering);
		await within(patienceMs, Promise.allSettled(earlyAnswers));
		if (answer === undefined) {
			// No answer, or a connection that was closed instead.
			await within(closingMs, client.closed);
		} else if (answer === 'late' || answer.timeoutMs === 0) {
			await within(closingMs, client.closed);
		} else {
			if (handshake.sessionId === undefined) {
				this.#names.nameSession(answer.sessionId, `session ${this.sessions.length}`);
				this.sessions.push(client.session);
			}
			state.session = client.session;
		}
		const stolen = answer === undefined || answer === 'late' ? [] : holders;
		for (const other of stolen) await within(closingMs, this.#slots[other]!.client!.closed);
	}

	async #raw(slot: Slot, bytes: Uint8Array, early: boolean): Promise<void> {
		if (early) await this.#open(slot);
		else await this.#revive(slot);
		const client = this.#slots[slot]!.client!;
		client.writeRaw(bytes);
		const outcome = await within(closingMs, client.closed);
		if (outcome === 'late') this.#lines[slot]!.push('still open');
	}

	/** A connection that has not shaken hands. */
	async #open(slot: Slot): Promise<WireClient> {
		await this.#drop(slot);
		const state = this.#slots[slot]!;
		state.client = await WireClient.open(this.#port);
		state.taken = 0;
		state.endTold = false;
		return state.client;
	}

	#has(slot: Slot, id: WireSession['id'] | undefined): boolean {
		const { client, session } = this.#slots[slot]!;
		return client !== undefined && !client.isClosed && id !== undefined && session?.id === id;
	}

	async #drop(slot: Slot): Promise<void> {
		const state = this.#slots[slot]!;
		if (state.client === undefined) return;
		// Events that are on their way belong to what it has seen.
		await this.#settle(slot);
		this.#collect(slot);
		if (state.client === undefined) return;
		state.seenZxid = Math.max(state.seenZxid, state.client.lastZxidSeen);
		// The server is to have noticed: ZooKeeper, when the session is back by then, forgets which connection has it.
		await within(closingMs, state.client.end());
		await state.client.close();
		state.client = undefined;
	}

	async #dropSession(id: WireSession['id']): Promise<void> {
		for (const slot of this.#slots.keys()) if (this.#has(slot, id)) await this.#drop(slot);
	}

	/** On a slot without a connection: its session again, or a new one. */
	async #revive(slot: Slot): Promise<void> {
		const state = this.#slots[slot]!;
		if (state.client !== undefined && !state.client.isClosed) return;
		if (state.session !== undefined) {
			const { id, password } = state.session;
			await this.#connect(slot, { sessionId: id, password, timeoutMs: maxTimeoutMs });
		}
		if (state.client === undefined || state.client.isClosed) await this.#connect(slot, { timeoutMs: maxTimeoutMs });
	}

	async #send(slot: Slot, requests: readonly ScriptRequest[]): Promise<void> {
		await this.#revive(slot);
		const state = this.#slots[slot]!;
		const client = state.client!;
		const seen = Math.max(state.seenZxid, client.lastZxidSeen);
		const answers = client.sendTogether(
			requests.map((item) => ({
				type: item.type,
				body: bodyOf(item, seen),
				...(item.xid === undefined ? {} : { xid: item.xid }),
			})),
		);
		const outcome = await within(patienceMs, Promise.allSettled(answers));
		if (outcome === 'late') {
			this.#collect(slot);
			this.#lines[slot]!.push(`no answer to ${client.outstanding} requests within ${patienceMs} ms`);
			await this.#drop(slot);
			return;
		}
		const ending = outcome.some((one) => one.status === 'rejected' || endsConnection(one.value));
		if (ending) await within(closingMs, client.closed);
	}

	#zxid(slot: Slot, seen: SeenZxid): number {
		if (seen === 'none') return 0;
		const state = this.#slots[slot]!;
		const newest = Math.max(state.seenZxid, state.client?.lastZxidSeen ?? 0);
		return seen === 'seen' ? newest : newest + 1_000_000;
	}

	#collect(slot: Slot): void {
		const state = this.#slots[slot]!;
		const { client } = state;
		if (client === undefined) return;
		const lines = this.#lines[slot]!;
		for (; state.taken < client.log.length; state.taken++) lines.push(this.#names.arrived(client.log[state.taken]!));
		if (!client.isClosed || state.endTold) return;
		lines.push(client.problem === undefined ? 'closed' : `broken: ${client.problem}`);
		state.endTold = true;
	}
}

/** Op codes that a server knows as requests; after another it closes the connection (semantics 68). */
const requests: ReadonlySet<number> = new Set(Object.values(opCode).filter((code) => code > 0));

function endsConnection(reply: WireReply): boolean {
	return (
		reply.type === opCode.closeSession ||
		reply.error === errors.authFailed.code ||
		(reply.error === errors.unimplemented.code && !requests.has(reply.type))
	);
}

function passwordOf(session: WireSession, which: 'right' | 'wrong' | 'short' | 'empty' | 'null'): Uint8Array | null {
	switch (which) {
		case 'right':
			return session.password;
		case 'wrong':
			return session.password.map((byte) => byte ^ 1);
		case 'short':
			return session.password.subarray(0, 15);
		case 'empty':
			return new Uint8Array(0);
		case 'null':
			return null;
		default:
			return which satisfies never;
	}
}

/** A deadline for what ought to come at once. */
function within<T>(ms: number, promise: Promise<T>): Promise<T | 'late'> {
	const late = new Promise<'late'>((resolve) => {
		AbortSignal.timeout(ms).addEventListener('abort', () => resolve('late'), { once: true });
	});
	return Promise.race([promise, late]);
}
