/**
 * One instance of a service, as the nodes of Curator's ServiceDiscovery have it: JSON under `/<base>/<service>/<id>`. Curator reads ours, and we read Curator's. What it does not
 * know (weight, tags, health) stands beside its own fields, which it leaves unread; an instance that is out because of its health is one that Curator's ServiceProvider skips, too.
 */

export interface ServiceInstance {
	readonly service: string;
	/** Unique within the service. */
	readonly id: string;
	/** An IP address or a host name; empty when it has none. */
	readonly address: string;
	readonly port: number | null;
	readonly sslPort: number | null;
	/** How much of the load it takes beside the others; 1 when nothing is said, 0 for none while there are others. */
	readonly weight: number;
	readonly tags: readonly string[];
	/** Anything that is JSON: Curator's payload. */
	readonly metadata: unknown;
	/** Whether it takes requests: false while its health check fails, or while it was taken out. */
	readonly enabled: boolean;
	/** What its last health check said, when it failed. */
	readonly problem: string | undefined;
	/** Unix time in ms, by the clock of who registered it. */
	readonly registeredAtMs: number;
	/** Curator's template of a URI, which is kept as it is. */
	readonly uriSpec: unknown;
}

/** What Curator calls the fields, and ours behind them. */
interface InstanceJson {
	readonly name: string;
	readonly id: string;
	readonly address?: string | null;
	readonly port?: number | null;
	readonly sslPort?: number | null;
	readonly payload?: unknown;
	readonly registrationTimeUTC?: number;
	readonly serviceType?: string;
	readonly uriSpec?: unknown;
	readonly enabled?: boolean;
	readonly weight?: number;
	readonly tags?: readonly string[];
	readonly problem?: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function encodeInstance(instance: ServiceInstance): Uint8Array {
	const json: InstanceJson = {
		name: instance.service,
		id: instance.id,
		address: instance.address,
		port: instance.port,
		sslPort: instance.sslPort,
		payload: instance.metadata ?? null,
		registrationTimeUTC: instance.registeredAtMs,
		serviceType: 'DYNAMIC',
		uriSpec: instance.uriSpec ?? null,
		enabled: instance.enabled,
		weight: instance.weight,
		tags: instance.tags,
		...(instance.problem === undefined ? {} : { problem: instance.problem }),
	};
	return encoder.encode(JSON.stringify(json));
}

/** Undefined for what is no instance: an empty node, other JSON, one that is being written by something else. */
export function decodeInstance(data: Uint8Array | null | undefined): ServiceInstance | undefined {
	if (data === null || data === undefined || data.length === 0) return undefined;
	let json: unknown;
	try {
		json = JSON.parse(decoder.decode(data));
	} catch {
		return undefined;
	}
	return isInstance(json) ? instanceOf(json) : undefined;
}

function instanceOf(json: InstanceJson): ServiceInstance {
	const { weight, tags, problem } = json;
	return {
		service: json.name,
		id: json.id,
		address: typeof json.address === 'string' ? json.address : '',
		port: portOf(json.port),
		sslPort: portOf(json.sslPort),
		weight: typeof weight === 'number' && weight >= 0 ? weight : 1,
		tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
		metadata: json.payload ?? null,
		enabled: json.enabled !== false,
		problem: typeof problem === 'string' ? problem : undefined,
		registeredAtMs: typeof json.registrationTimeUTC === 'number' ? json.registrationTimeUTC : 0,
		uriSpec: json.uriSpec ?? null,
	};
}

function isInstance(json: unknown): json is InstanceJson {
	if (typeof json !== 'object' || json === null) return false;
	const { name, id } = json as Partial<InstanceJson>;
	return typeof name === 'string' && typeof id === 'string';
}

/** Curator writes null, or leaves it out; 0 and what is above 16 bits is none. */
function portOf(port: unknown): number | null {
	return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536 ? port : null;
}
