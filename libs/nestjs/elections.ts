/** The elections in which this process stands. */
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { type Chronokeeper, LeaderElection, type Leadership } from '#client/index';
import { InjectChronokeeper } from './tokens.ts';

/** What is done while this process leads. It ends when the signal is aborted. */
export type LeaderWork = (leadership: Leadership, signal: AbortSignal) => Promise<unknown>;

/** Before it stands again after something failed. */
const pauseMs = 1000;

@Injectable()
export class Elections {
	readonly #ck: Chronokeeper;
	readonly #logger = new Logger('Chronokeeper');
	readonly #works = new Map<string, LeaderWork[]>();
	readonly #leaderships = new Map<string, Leadership>();
	readonly #end = new AbortController();
	#standing: Promise<unknown> | undefined;

	constructor(@InjectChronokeeper() ck: Chronokeeper) {
		this.#ck = ck;
	}

	/** Undefined where another process leads, or nobody. */
	leadership(path: string): Leadership | undefined {
		const leadership = this.#leaderships.get(path);
		return leadership?.isHeld ? leadership : undefined;
	}

	/** Before begin(). @param work none: it is asked for leadership() only */
	add(path: string, work?: LeaderWork): void {
		const works = this.#works.get(path) ?? [];
		if (work !== undefined) works.push(work);
		this.#works.set(path, works);
	}

	begin(): void {
		this.#standing = Promise.all([...this.#works].map(([path, works]) => this.#stand(path, works)));
	}

	/** Resolves when all works have ended and others may lead. */
	async end(): Promise<void> {
		this.#end.abort(new Error('the application is shutting down'));
		await this.#standing;
	}

	async #stand(path: string, works: readonly LeaderWork[]): Promise<void> {
		const election = new LeaderElection(this.#ck, path, { id: `${hostname()}:${process.pid}` });
		const { signal } = this.#end;
		while (!signal.aborted && this.#ck.state !== 'closed') {
			try {
				await election.run((leadership, over) => this.#lead(path, works, leadership, over), { signal });
			} catch (error) {
				if (signal.aborted) return;
				this.#logger.error(`${path}: ${(error as Error).message}`);
				await setTimeout(pauseMs, undefined, { signal }).catch(() => {});
			}
		}
	}

	async #lead(path: string, works: readonly LeaderWork[], leadership: Leadership, over: AbortSignal): Promise<void> {
		this.#leaderships.set(path, leadership);
		const failed = new AbortController();
		const either = AbortSignal.any([over, failed.signal]);
		const aborted = new Promise<void>((resolve) => {
			if (either.aborted) resolve();
			either.addEventListener('abort', () => resolve(), { once: true });
		});
		const running = works.map(async (work) => {
			try {
				await work(leadership, either);
			} catch (error) {
				// What ends because it was told to is no failure.
				if (!either.aborted) failed.abort(error);
			}
		});
		await aborted;
		this.#leaderships.delete(path);
		await Promise.all(running);
		failed.signal.throwIfAborted();
	}
}
