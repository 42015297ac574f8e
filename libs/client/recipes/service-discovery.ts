/** Who is there to be asked, as it is now. */
import type { CachedNode } from '../cache/cached-tree.ts';
import type { CacheState, ZnodeCache } from '../cache/znode-cache.ts';
import type { Chronokeeper } from '../chronokeeper.ts';
import { NoNodeError } from '../errors.ts';
import { type BalancerOptions, type InstanceSource, LoadBalancer } from './load-balancer.ts';
import { decodeInstance, type ServiceInstance } from './service-instance.ts';
import { defaultServicesPath } from './service-registry.ts';

/**
 * Finds the instances that ServiceRegistry, or Curator's ServiceDiscovery, has registered below a path.
 *
 * Guarantee: a view has what its replica has, as of a moment ago: who registers, changes, is taken out by its health, or is gone with its session, is in or out of it as soon as the replica
 * knows, mostly within milliseconds; no change is missed over lost connections and sessions. That an instance is dead is known when its session times out.
 *
 * Fails: while no server can be reached a view keeps what it had (its state is `stale`), because old addresses are better than none.
 *
 * Costs: services() and instances() 1 and 2 round trips; a view 1 watch and a copy of the nodes, and 1 event for each change.
 */
export class ServiceDiscovery {
	readonly path: string;
	readonly #ck: Chronokeeper;

	/** @param path `/services` when absent */
	constructor(ck: Chronokeeper, path: string = defaultServicesPath) {
		this.#ck = ck;
		this.path = path;
	}

	/** Names of services, those that have no instance at the moment, too. */
	async services(): Promise<string[]> {
		return this.#names(this.path);
	}

	/** All instances, those that are out, too; once. watch() is for who asks often. */
	async instances(service: string): Promise<ServiceInstance[]> {
		const path = `${this.path}/${service}`;
		const names = await this.#names(path);
		if (names.length === 0) return [];
		const { results } = await this.#ck.multiRead(names.map((name) => ({ kind: 'get', path: `${path}/${name}` })));
		return results.flatMap((result) => (result.kind === 'get' ? (decodeInstance(result.data) ?? []) : []));
	}

	/** A live view of one service, which need not be there yet. */
	watch(service: string): ServiceView {
		return new ServiceView(this.#ck.cache(`${this.path}/${service}`, { kind: 'children' }), service);
	}

	/** A live view of all services. */
	watchAll(): ServicesView {
		return new ServicesView(this.#ck.cache(this.path, { kind: 'tree' }));
	}

	async #names(path: string): Promise<string[]> {
		try {
			return (await this.#ck.children(path)).names;
		} catch (error) {
			if (error instanceof NoNodeError) return [];
			throw error;
		}
	}
}

/** A part of the registry that follows it. */
abstract class RegistryView implements AsyncDisposable {
	/** Resolves when everything is there. Rejects when it cannot be read, or is closed before. */
	readonly ready: Promise<void>;
	protected readonly cache: ZnodeCache;

	constructor(cache: ZnodeCache) {
		this.cache = cache;
		this.ready = cache.ready;
		cache.on(() => this.forget());
		// What there is when the cache is filled is told as no change.
		cache.ready.then(
			() => this.forget(),
			() => {},
		);
	}

	/** `stale`: what it has is from before the connection was lost. */
	get state(): CacheState {
		return this.cache.state;
	}

	/** Calls the listener at each change from now on. @returns stops it */
	on(listener: () => void): () => void {
		return this.cache.on(listener);
	}

	close(): Promise<void> {
		return this.cache.close();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	/** What was made of the nodes is to be made anew. */
	protected abstract forget(): void;
}

/** The instances of one service. A LoadBalancer takes it as it is. */
export class ServiceView extends RegistryView implements InstanceSource {
	readonly service: string;
	#all: readonly ServiceInstance[] | undefined;
	#enabled: readonly ServiceInstance[] | undefined;

	/** @internal */
	constructor(cache: ZnodeCache, service: string) {
		super(cache);
		this.service = service;
	}

	/** Those that take requests, by id. The same array as long as nothing changes. */
	get instances(): readonly ServiceInstance[] {
		this.#enabled ??= this.all.filter(({ enabled }) => enabled);
		return this.#enabled;
	}

	/** Those that are out, too. */
	get all(): readonly ServiceInstance[] {
		this.#all ??= instancesBelow(this.cache, this.cache.path);
		return this.#all;
	}

	balancer(options: BalancerOptions = {}): LoadBalancer {
		return new LoadBalancer(this, options);
	}

	/** Those that take requests: as they are when the view is filled, and after each change, until the loop is left or the view closed. A slow loop leaves out states between. */
	async *changes(signal?: AbortSignal): AsyncGenerator<readonly ServiceInstance[], void> {
		const events = this.cache.events(signal);
		let before: readonly ServiceInstance[] | undefined;
		try {
			await this.ready;
			for (;;) {
				const { instances } = this;
				if (instances !== before) yield instances;
				before = instances;
				if ((await events.next()).done === true) return;
			}
		} finally {
			await events.return?.();
		}
	}

	protected override forget(): void {
		this.#all = undefined;
		this.#enabled = undefined;
	}
}

/** All services. */
export class ServicesView extends RegistryView {
	#services: ReadonlyMap<string, readonly ServiceInstance[]> | undefined;

	/** Instances by service, those that are out, and services without any, too. The same map as long as nothing changes. */
	get services(): ReadonlyMap<string, readonly ServiceInstance[]> {
		this.#services ??= new Map(
			this.cache.children().map((name) => [name, instancesBelow(this.cache, childOf(this.cache.path, name))]),
		);
		return this.#services;
	}

	protected override forget(): void {
		this.#services = undefined;
	}
}

/** Read once for each state of a node. */
const decoded = new WeakMap<CachedNode, ServiceInstance | null>();

function instancesBelow(cache: ZnodeCache, path: string): readonly ServiceInstance[] {
	return cache.children(path).flatMap((name) => {
		const node = cache.get(childOf(path, name));
		if (node === undefined) return [];
		let instance = decoded.get(node);
		if (instance === undefined) {
			instance = decodeInstance(node.data) ?? null;
			decoded.set(node, instance);
		}
		return instance ?? [];
	});
}

function childOf(path: string, name: string): string {
	return path === '/' ? `/${name}` : `${path}/${name}`;
}
