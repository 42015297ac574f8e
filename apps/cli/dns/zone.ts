/**
 * The registry as a DNS zone. Of a service `web` with an instance `one`, in the zone `services.local`:
 *
 *     web.services.local              A, AAAA of those that take requests, SRV and TXT of them
 *     _web._tcp.services.local        SRV and TXT, as RFC 2782 asks for them (`_udp`: of those with the tag `udp`)
 *     one.web.services.local          A or AAAA, or CNAME when its address is a host's name; SRV, TXT
 *
 * An instance that is out, and one of weight 0 while others have a weight, is in no answer but those to its own name.
 */
import { isIPv4, isIPv6 } from 'node:net';
import type { Answer, RecordType } from 'dns-packet';
import type { ServiceInstance } from '#client/recipes/service-instance';
import { labelOf, serviceLabels } from './label.ts';

export interface ZoneOptions {
	/** `services.local` */
	readonly origin: string;
	/** Of every record, and how long it may be remembered that there is none. */
	readonly ttlSeconds: number;
	/** The server's own address, for the zone's NS; none when it listens at all of them. */
	readonly serverAddress?: string | undefined;
}

export type Found =
	/** The name is not in this zone. */
	| { readonly kind: 'outside' }
	/** There is no such name, nor anything below it. */
	| { readonly kind: 'nxdomain' }
	/** Empty answers: the name is there, without records of this type. */
	| { readonly kind: 'found'; readonly answers: readonly Answer[]; readonly additionals: readonly Answer[] };

export type Services = ReadonlyMap<string, readonly ServiceInstance[]>;

type RecordSets = Map<RecordType, Answer[]>;

/** RFC 1035: 253 characters, as people write it. */
const longestName = 253;

export class Zone {
	readonly origin: string;
	readonly #options: ZoneOptions;
	readonly #serial: number;
	/** By name in lower case. Those between have none. */
	readonly #names = new Map<string, RecordSets>();

	/** @param serial rises with every change (RFC 1982) */
	constructor(options: ZoneOptions, services: Services, serial: number) {
		this.origin = options.origin.toLowerCase();
		this.#options = options;
		this.#serial = serial;
		const server = `ns.${this.origin}`;
		this.#add({ type: 'SOA', name: this.origin, data: this.#authority() });
		this.#add({ type: 'NS', name: this.origin, data: server });
		this.#reach(server);
		this.#addAddress(server, options.serverAddress ?? '');
		for (const [service, instances] of services) this.#addService(service, instances);
	}

	/** What goes with an answer that there is none. */
	get soa(): Answer {
		return this.#names.get(this.origin)!.get('SOA')![0]!;
	}

	/** @param name as it was asked for: in the answers it is written like that */
	find(name: string, type: string): Found {
		const lower = name.toLowerCase();
		if (lower !== this.origin && !lower.endsWith(`.${this.origin}`)) return { kind: 'outside' };
		const sets = this.#names.get(lower);
		if (sets === undefined) return { kind: 'nxdomain' };
		const found =
			type === 'ANY' ? [...sets.values()].flat() : (sets.get(type as RecordType) ?? sets.get('CNAME') ?? []);
		return { kind: 'found', answers: found.map((one) => ({ ...one, name })), additionals: this.#additionals(found) };
	}

	/** The addresses of what the answers name. */
	#additionals(answers: readonly Answer[]): Answer[] {
		const targets = new Set<string>();
		for (const answer of answers) {
			if (answer.type === 'SRV') targets.add(answer.data.target);
			else if (answer.type === 'NS') targets.add(answer.data as string);
		}
		return [...targets].flatMap((target) => {
			const sets = this.#names.get(target);
			return [...(sets?.get('A') ?? []), ...(sets?.get('AAAA') ?? [])];
		});
	}

	#addService(service: string, instances: readonly ServiceInstance[]): void {
		const labels = serviceLabels(service);
		const name = [...labels, this.origin].join('.');
		if (name.length + 64 > longestName) return;
		this.#reach(name);
		const inUse = takingRequests(instances);
		const weights = srvWeights(inUse);
		const symbolic = (protocol: string) => `_${labelOf(service)}._${protocol}.${this.origin}`;
		for (const instance of instances) {
			const own = `${labelOf(instance.id)}.${name}`;
			const weight = weights.get(instance.id);
			this.#addInstance(own, own, instance, weight ?? 0);
			if (isAddress(instance.address)) this.#addAddress(own, instance.address);
			else if (isHostName(instance.address)) this.#add({ type: 'CNAME', name: own, data: instance.address });
			if (weight === undefined) continue;
			this.#addAddress(name, instance.address);
			this.#addInstance(name, own, instance, weight);
			for (const protocol of protocolsOf(instance)) this.#addInstance(symbolic(protocol), own, instance, weight);
		}
	}

	/** @param own the name of the instance itself */
	#addInstance(name: string, own: string, instance: ServiceInstance, weight: number): void {
		const hasName = !isAddress(instance.address) && isHostName(instance.address);
		// A name that stands for another has no other records (RFC 1034, 3.6.2).
		if (name === own && hasName) return;
		const port = instance.port ?? instance.sslPort;
		if (port !== null && instance.address !== '') {
			const target = hasName ? instance.address : own;
			this.#add({ type: 'SRV', name, data: { priority: 0, weight, port, target } });
		}
		this.#add({ type: 'TXT', name, data: textOf(instance) });
	}

	#addAddress(name: string, address: string): void {
		const plain = address.replace(/%.*$/, '');
		if (isIPv4(plain)) this.#add({ type: 'A', name, data: plain });
		else if (isIPv6(plain)) this.#add({ type: 'AAAA', name, data: plain });
	}

	#add(record: Answer): void {
		const sets = this.#reach(record.name);
		const set = sets.get(record.type as RecordType) ?? [];
		set.push({ ttl: this.#options.ttlSeconds, class: 'IN', ...record } as Answer);
		sets.set(record.type as RecordType, set);
	}

	/** The name, and those between it and the zone's: they exist, too (RFC 4592, 2.2.2). */
	#reach(name: string): RecordSets {
		let sets = this.#names.get(name);
		if (sets !== undefined) return sets;
		sets = new Map();
		this.#names.set(name, sets);
		if (name !== this.origin) this.#reach(name.slice(name.indexOf('.') + 1));
		return sets;
	}

	#authority() {
		const { ttlSeconds } = this.#options;
		const [mname, rname] = [`ns.${this.origin}`, `hostmaster.${this.origin}`];
		return { mname, rname, serial: this.#serial, refresh: 60, retry: 10, expire: 3600, minimum: ttlSeconds };
	}
}

/** Those of weight 0 only when there is no other. */
function takingRequests(instances: readonly ServiceInstance[]): readonly ServiceInstance[] {
	const enabled = instances.filter((instance) => instance.enabled);
	const weighty = enabled.filter(({ weight }) => weight > 0);
	return weighty.length > 0 ? weighty : enabled;
}

const largest16 = 65_535;

/** By id. A weight of SRV is a whole number of 16 bits: what is not gets scaled, all by the same factor. */
function srvWeights(instances: readonly ServiceInstance[]): Map<string, number> {
	const heaviest = instances.reduce((most, { weight }) => Math.max(most, weight), 0);
	const fit = instances.every(({ weight }) => Number.isInteger(weight) && weight <= largest16);
	const factor = fit || heaviest === 0 ? 1 : 10_000 / heaviest;
	return new Map(
		instances.map(({ id, weight }) => [id, weight === 0 ? 0 : Math.max(1, Math.round(weight * factor))] as const),
	);
}

function protocolsOf({ tags }: ServiceInstance): readonly string[] {
	const named = ['tcp', 'udp'].filter((protocol) => tags.includes(protocol));
	return named.length > 0 ? named : ['tcp'];
}

const longestText = 255;

/** RFC 6763, 6.3: `key=value` each. Metadata that are no text, number or truth are left out, as what is too long is. */
function textOf({ id, weight, tags, metadata }: ServiceInstance): Buffer[] {
	const own = [`id=${id}`, `weight=${weight}`, ...(tags.length === 0 ? [] : [`tags=${tags.join(',')}`])];
	const isRecord = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
	const said = Object.entries(isRecord ? metadata : {}).flatMap(([key, value]) =>
		['string', 'number', 'boolean'].includes(typeof value) && !/[=]/.test(key) ? [`${key}=${value}`] : [],
	);
	return [...own, ...said].map((text) => Buffer.from(text)).filter(({ length }) => length <= longestText);
}

function isAddress(address: string): boolean {
	const plain = address.replace(/%.*$/, '');
	return isIPv4(plain) || isIPv6(plain);
}

function isHostName(address: string): boolean {
	const parts = address.replace(/\.$/, '').split('.');
	return (
		address.length <= longestName && parts.every((part) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(part))
	);
}
