/** What a session is told, what it tells, and where it gets its streams from. */
import type { Operation } from './operation.ts';
import type { OperateCall } from './operation-stream.ts';
import type { WaitingRoom } from './waiting-operations.ts';
import type { NodeEvent } from './watched-event.ts';

export interface SessionOptions {
	/** How long the session survives silence; the server brings it into its bounds. 30 s when absent. */
	readonly timeoutMs?: number;
	/** In their order, and before any answer that shows the change. */
	readonly onEvent?: (event: SessionEvent) => void;
	/** Absent: the first stream is tried once, what was under way on a lost one fails, and the session is over when the server says so. */
	readonly endurance?: Endurance;
	/** A path as errors have it. */
	readonly shownPath?: (path: string) => string;
}

/** For clients that go on whatever happens: what has no answer is sent again on the next stream, and the session is judged to be lost when no server could be reached for its timeout. */
export interface Endurance extends WaitingRoom {
	/** Of the session before this one: the client does not go back in time. */
	readonly lastZxidSeen: bigint;
	readonly toldZxid: bigint;
	/** Sets again what the stream before had, in front of all other operations. Everything up to the zxid has been told. */
	readonly restore: (toldZxid: bigint, stream: RestoredStream) => void;
}

/** A stream that is about to be used. */
export interface RestoredStream {
	/** @param answered with the answer; @param failed when the server refuses. Neither when the stream is lost. */
	submit(op: Operation, answered: (value: { readonly zxid: bigint }) => void, failed: (error: Error) => void): void;
}

export type SessionEvent =
	| { readonly kind: 'node'; readonly event: NodeEvent }
	/** The stream is lost; the session is being attached again. */
	| { readonly kind: 'detached'; readonly reason: string }
	| { readonly kind: 'attached' }
	/** It is over, its ephemeral nodes and watches are gone. */
	| { readonly kind: 'expired'; readonly reason: string };

export type SessionState = 'opening' | 'attached' | 'detached' | 'expired' | 'closed';

/** How a session gets a stream. */
export interface Dialer {
	dial(): OperateCall;
	/** What grpc-js reports, as a ClientError. */
	errorOf(error: unknown): Error;
	/** How long the first answer on a stream may take. */
	readonly timeoutMs: number;
	/** Before the nth attempt in a row, from 0. */
	pauseMs?(attempt: number): number;
}
