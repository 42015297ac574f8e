/** What decorators of methods that are guarded share. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Inject } from '@nestjs/common';
import type { HeldLock } from '#client/index';

/** A method that can be guarded: what it returns comes later. */
export type AsyncMethod<Args extends unknown[], Result> = (...args: Args) => Promise<Result>;

export type AsyncMethodDecorator<Args extends unknown[]> = <Result>(
	target: object,
	key: string | symbol,
	descriptor: TypedPropertyDescriptor<AsyncMethod<Args, Result>>,
) => void;

/** Of methods with whatever arguments. */
export type AnyMethodDecorator = <Args extends unknown[], Result>(
	target: object,
	key: string | symbol,
	descriptor: TypedPropertyDescriptor<AsyncMethod<Args, Result>>,
) => void;

/** Has Nest put what the token stands for into each instance of the class. @returns reads it there */
export function injectedInto<T>(target: object, token: symbol | Parameters<typeof Inject>[0]): (instance: object) => T {
	const key = keyOf(token);
	Inject(token)(target, key);
	return (instance) => {
		const found = (instance as Readonly<Record<symbol, T | undefined>>)[key];
		if (found === undefined)
			throw new Error(
				`${instance.constructor.name} was not made by Nest with ChronokeeperModule: there is no client for it`,
			);
		return found;
	};
}

const keys = new Map<unknown, symbol>();

function keyOf(token: unknown): symbol {
	const key = keys.get(token) ?? Symbol('chronokeeper');
	keys.set(token, key);
	return key;
}

/** Puts another function in the place of a method; what decorators have noted on it is noted on the other one. */
export function replaceMethod<Method extends (...args: never) => unknown>(
	descriptor: TypedPropertyDescriptor<Method>,
	make: (method: Method) => Method,
): void {
	const method = descriptor.value!;
	const replacement = make(method);
	for (const key of Reflect.getMetadataKeys(method))
		Reflect.defineMetadata(key, Reflect.getMetadata(key, method), replacement);
	Object.defineProperty(replacement, 'name', { value: method.name });
	descriptor.value = replacement;
}

/** What the code that runs now holds: of methods inside of methods the innermost first. */
interface Holding {
	readonly path: string;
	readonly held: HeldLock;
	readonly outer: Holding | undefined;
}

export class Holdings {
	readonly #storage = new AsyncLocalStorage<Holding>();

	run<T>(path: string, held: HeldLock, work: () => Promise<T>): Promise<T> {
		return this.#storage.run({ path, held, outer: this.#storage.getStore() }, work);
	}

	/** The innermost. */
	get current(): HeldLock | undefined {
		return this.#storage.getStore()?.held;
	}

	/** That of a path, if it is held still. */
	of(path: string): HeldLock | undefined {
		for (let holding = this.#storage.getStore(); holding !== undefined; holding = holding.outer)
			if (holding.path === path && holding.held.isHeld) return holding.held;
		return undefined;
	}
}
