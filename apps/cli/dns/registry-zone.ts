import type { ServicesView } from '#client/recipes/service-discovery';
import { Zone, type ZoneOptions } from './zone.ts';

/** The zone as the registry is: made anew at the first query after a change. */
export class RegistryZone {
	readonly #view: ServicesView;
	readonly #options: ZoneOptions;
	readonly #nowSeconds: () => number;
	#zone: Zone | undefined;
	#services: ServicesView['services'] | undefined;
	#serial = 0;

	/** @param nowSeconds Unix time: a server that is started again goes on with higher serials */
	constructor(
		view: ServicesView,
		options: ZoneOptions,
		nowSeconds: () => number = () => Math.floor(Date.now() / 1000),
	) {
		this.#view = view;
		this.#options = options;
		this.#nowSeconds = nowSeconds;
	}

	get current(): Zone {
		const { services } = this.#view;
		if (this.#zone === undefined || services !== this.#services) {
			this.#services = services;
			this.#serial = Math.max(this.#serial + 1, this.#nowSeconds()) >>> 0;
			this.#zone = new Zone(this.#options, services, this.#serial);
		}
		return this.#zone;
	}
}
