import type { Caller } from '#core/model/op';
import type { SessionId } from '#core/model/zxid';
import type { Id } from '#jute/records';

/** What is told that it has a session no longer: the stream of Operate. */
export interface SessionHolder {
	/** The session is over. */
	sessionOver(): void;
	/** It has more identities than before. */
	identified(): void;
	/** Somebody attached the session elsewhere. */
	sessionTaken(where: string): void;
}

/** A session that is attached at this door. */
export class HeldSession {
	readonly id: SessionId;
	readonly password: Uint8Array;
	timeoutMs: number;
	/** Its stream, while there is one. */
	stream: SessionHolder | null = null;
	/** What Authenticate added: for as long as it is attached here. */
	#added: readonly Id[] = [];

	constructor(id: SessionId, password: Uint8Array, timeoutMs: number) {
		this.id = id;
		this.password = password;
		this.timeoutMs = timeoutMs;
	}

	/** With what it has proved since. */
	identified(caller: Caller): Caller {
		if (this.#added.length === 0) return caller;
		return { ...caller, identities: together(caller.identities, this.#added) };
	}

	add(identities: readonly Id[]): void {
		this.#added = together(this.#added, identities);
		this.stream?.identified();
	}
}

function together(some: readonly Id[], more: readonly Id[]): readonly Id[] {
	const others = more.filter((id) => !some.some((has) => has.scheme === id.scheme && has.id === id.id));
	return others.length === 0 ? some : [...some, ...others];
}
