import type { Host } from '#core/host/host';
import type { Caller, Op, Reply, WatchEvent, Watcher } from '#core/model/op';
import type { SessionId } from '#core/model/zxid';
import type { Id } from '#jute/records';
import type { OperateContext } from './operate-context.ts';
import type { Outcome } from './stream-operations.ts';

/** The stream whose watches they are. */
export interface DataListener extends Watcher {
	processWithData(event: WatchEvent): void;
}

/** Of a stream: the watches whose events come with the node. To the tree they are those of another connection. */
export class WatchersWithData implements Watcher {
	readonly #stream: DataListener;

	constructor(stream: DataListener) {
		this.#stream = stream;
	}

	get sessionId(): SessionId {
		return this.#stream.sessionId;
	}

	get identities(): readonly Id[] {
		return this.#stream.identities;
	}

	/** Paths that have one. */
	watches(host: Host): number {
		return host.watches.pathsOf(this);
	}

	of(caller: Caller): Caller {
		return { ...caller, watcher: this };
	}

	/** As those of the stream itself: what became of them is known when its own turn comes. */
	remove(op: Op, caller: Caller, { host, sessions }: Pick<OperateContext, 'host' | 'sessions'>): Outcome {
		const outcome = { kind: 'watches' as const, areThere: false };
		const reply = ({ error }: Reply): void => {
			outcome.areThere = error === 0;
		};
		host.submit({ sessionId: this.sessionId, cxid: sessions.nextCxid(), op, caller: this.of(caller), reply });
		return outcome;
	}

	process(event: WatchEvent): void {
		this.#stream.processWithData(event);
	}
}
