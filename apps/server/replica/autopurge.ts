/** Removes old snapshots and logs every few hours. What the mirror does not have yet stays. */
import type { Zxid } from '#core/model/zxid';
import type { DataDirectory } from '#storage/data-directory';
import { purge } from '#storage/purge';
import type { Logger } from '#telemetry/logger';

const hourMs = 3_600_000;
/** The first purge: a replica that is started more often than the interval would never have one. The mirror is known by then. */
const firstMs = 60_000;

export interface AutopurgeOptions {
	readonly retain: number;
	/** 0: never. */
	readonly intervalHours: number;
	/** The first zxid that the mirror does not have yet. */
	readonly keepFromZxid: () => Zxid;
}

export class Autopurge {
	readonly #first: NodeJS.Timeout | undefined;
	readonly #timer: NodeJS.Timeout | undefined;

	constructor(
		private readonly directory: DataDirectory,
		private readonly options: AutopurgeOptions,
		private readonly logger: Logger,
	) {
		if (options.intervalHours === 0) return;
		this.#first = setTimeout(() => this.run(), firstMs);
		this.#first.unref();
		this.#timer = setInterval(() => this.run(), options.intervalHours * hourMs);
		this.#timer.unref();
	}

	/** Returns the removed files. */
	run(): readonly string[] {
		try {
			const removed = purge(this.directory, { retain: this.options.retain, keepFromZxid: this.options.keepFromZxid() });
			const files = removed.map((file) => file.path);
			if (files.length > 0) this.logger.info({ files }, 'purged');
			return files;
		} catch (error) {
			this.logger.error({ err: error }, 'old snapshots and logs could not be purged');
			return [];
		}
	}

	stop(): void {
		clearTimeout(this.#first);
		clearInterval(this.#timer);
	}
}
