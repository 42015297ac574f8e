/** The client in a Nest application: connected when it starts, closed when it ends. */
import {
	type BeforeApplicationShutdown,
	type DynamicModule,
	Inject,
	type InjectionToken,
	Module,
	type ModuleMetadata,
	type OnApplicationBootstrap,
	type OnApplicationShutdown,
	type OptionalFactoryDependency,
	type Provider,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, MetadataScanner } from '@nestjs/core';
import {
	type Chronokeeper,
	Configuration,
	type ConfigurationOptions,
	type ConnectOptions,
	connect,
} from '#client/index';
import { ChronokeeperHealthIndicator } from './chronokeeper-health-indicator.ts';
import { Elections } from './elections.ts';
import { electionMarkOf, runAsLeader } from './leader-only.ts';
import { chronokeeperToken, configurationToken, InjectChronokeeper, optionsToken } from './tokens.ts';

export interface ChronokeeperModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
	readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
	/** Gets what `inject` names. */
	readonly useFactory: (...injected: never[]) => ConnectOptions | Promise<ConnectOptions>;
}

export interface ConfigurationModuleOptions<T> extends ConfigurationOptions<T> {
	/** Of the configuration's node; it is injected by it. */
	readonly path: string;
}

@Module({})
export class ChronokeeperModule implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
	readonly #ck: Chronokeeper;
	readonly #elections: Elections;
	readonly #discovery: DiscoveryService;
	readonly #scanner: MetadataScanner;

	constructor(
		@InjectChronokeeper() ck: Chronokeeper,
		@Inject(Elections) elections: Elections,
		@Inject(DiscoveryService) discovery: DiscoveryService,
		@Inject(MetadataScanner) scanner: MetadataScanner,
	) {
		this.#ck = ck;
		this.#elections = elections;
		this.#discovery = discovery;
		this.#scanner = scanner;
	}

	/** For the whole application, once. It does not start when no server can be reached within `connectTimeoutMs`. */
	static forRoot(options: ConnectOptions): DynamicModule {
		return rootModule([], { provide: optionsToken, useValue: options });
	}

	/** With options that other providers know. */
	static forRootAsync({ imports = [], inject = [], useFactory }: ChronokeeperModuleAsyncOptions): DynamicModule {
		return rootModule(imports, {
			provide: optionsToken,
			inject,
			useFactory: useFactory as (...injected: unknown[]) => unknown,
		});
	}

	/** A live configuration, injected by InjectConfiguration(path). The application does not start with one that is not valid. */
	static forConfiguration<T extends object>({ path, ...options }: ConfigurationModuleOptions<T>): DynamicModule {
		const token = configurationToken(path);
		const open = (ck: Chronokeeper) => Configuration.open(ck, path, options);
		const provider: Provider = { provide: token, inject: [chronokeeperToken], useFactory: open };
		return { module: ConfigurationModule, providers: [provider], exports: [token] };
	}

	/** Methods with @LeaderOnly and @WhileLeader: only now all that have them are there. */
	onApplicationBootstrap(): void {
		for (const { instance } of [...this.#discovery.getProviders(), ...this.#discovery.getControllers()]) {
			if (typeof instance !== 'object' || instance === null) continue;
			for (const name of this.#scanner.getAllMethodNames(Object.getPrototypeOf(instance))) this.#stand(instance, name);
		}
		this.#elections.begin();
	}

	/** While requests are still being answered others can lead already. */
	beforeApplicationShutdown(): Promise<void> {
		return this.#elections.end();
	}

	onApplicationShutdown(): Promise<void> {
		return this.#ck.close();
	}

	#stand(instance: Record<string, unknown>, name: string): void {
		const method = instance[name];
		const mark = typeof method === 'function' ? electionMarkOf(method) : undefined;
		if (mark === undefined) return;
		const { path, isBegun } = mark;
		if (!isBegun) {
			this.#elections.add(path);
			return;
		}
		const begin = method as (signal: AbortSignal) => Promise<unknown>;
		this.#elections.add(path, (leadership, signal) =>
			runAsLeader(path, leadership, async () => begin.call(instance, signal)),
		);
	}
}

@Module({})
class ConfigurationModule {}

function rootModule(imports: NonNullable<ModuleMetadata['imports']>, options: Provider): DynamicModule {
	const client: Provider = {
		provide: chronokeeperToken,
		inject: [optionsToken],
		useFactory: (given: ConnectOptions) => connect(given),
	};
	return {
		module: ChronokeeperModule,
		global: true,
		imports: [...imports, DiscoveryModule],
		providers: [options, client, Elections, ChronokeeperHealthIndicator],
		exports: [chronokeeperToken, Elections, ChronokeeperHealthIndicator],
	};
}
