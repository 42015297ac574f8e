/** Methods that run at one process of all. */
import type { Leadership } from '#client/index';
import { Elections } from './elections.ts';
import { type AnyMethodDecorator, Holdings, injectedInto, replaceMethod } from './guarded-method.ts';

const leaderships = new Holdings();

/** The leadership in which the running method runs. @throws Error outside of such a method */
export function currentLeadership(): Leadership {
	const { current } = leaderships;
	if (current === undefined) throw new Error('no method with @LeaderOnly or @WhileLeader is running here');
	return current;
}

const electionKey = Symbol('ChronokeeperElection');

/** What a method's decorator says of it. @internal */
export interface ElectionMark {
	readonly path: string;
	/** Whether the election begins the method, or lets it pass. */
	readonly isBegun: boolean;
}

/** @internal */
export function electionMarkOf(method: object): ElectionMark | undefined {
	return Reflect.getMetadata(electionKey, method) as ElectionMark | undefined;
}

/** Runs a method under a leadership. @internal */
export function runAsLeader<T>(path: string, leadership: Leadership, work: () => Promise<T>): Promise<T> {
	return leaderships.run(path, leadership, work);
}

/**
 * Calls do something at the leader only, and resolve to undefined everywhere else: for schedules, which fire at every process. Each process of the application stands as a candidate at the path, a
 * LeaderElection, from its start to its shutdown. `currentLeadership()` is what the method runs under: its `signal` is aborted when leadership is lost while it runs, and the call fails with a
 * LockLostError then, whatever the method returned.
 */
export function LeaderOnly(path: string): AnyMethodDecorator {
	return (target, _key, descriptor) => {
		const electionsOf = injectedInto<Elections>(target, Elections);
		replaceMethod(
			descriptor,
			(method) =>
				async function (this: object, ...args) {
					const leadership = electionsOf(this).leadership(path);
					// Where nobody leads undefined is an answer, too.
					if (leadership === undefined) return undefined as never;
					const { signal } = leadership;
					const result = await runAsLeader(path, leadership, () => method.apply(this, args));
					signal.throwIfAborted();
					return result;
				},
		);
		Reflect.defineMetadata(electionKey, { path, isBegun: false } satisfies ElectionMark, descriptor.value!);
	};
}

/**
 * The method is begun when this process becomes the leader at the path, and is to end when its signal is aborted: leadership is lost, or the application is shutting down. Until it has ended this
 * process does not stand again. When it ends by itself the process stays leader; when it throws, that is logged and leadership is given up for a moment.
 */
export function WhileLeader(path: string) {
	return <Method extends (signal: AbortSignal) => Promise<unknown>>(
		_target: object,
		_key: string | symbol,
		descriptor: TypedPropertyDescriptor<Method>,
	): void => {
		Reflect.defineMetadata(electionKey, { path, isBegun: true } satisfies ElectionMark, descriptor.value!);
	};
}
