/** Names of services and ids of instances as parts of a domain name. */

const longest = 63;
const asItIs = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/;

/**
 * The label of an id: itself in lower case when it can stand in the name of a host, otherwise what can of it and a number that keeps it apart from others: `10.0.0.1:80` is
 * `10-0-0-1-80-` and eight hexadecimal digits.
 */
export function labelOf(id: string): string {
	const lower = id.toLowerCase();
	if (lower.length <= longest && asItIs.test(lower)) return lower;
	const readable = lower.replace(/[^a-z0-9_]+/g, '-').replace(/^-+|-+$/g, '');
	const mark = fnv1a(lower).toString(16).padStart(8, '0');
	return readable === '' ? mark : `${readable.slice(0, longest - 9).replace(/-+$/, '')}-${mark}`;
}

/** The labels of a service: one with dots in its name has several, as `com.example.Mail` has. */
export function serviceLabels(service: string): string[] {
	const parts = service.toLowerCase().split('.');
	return service.length < 128 && parts.every((part) => part.length <= longest && asItIs.test(part))
		? parts
		: [labelOf(service)];
}

function fnv1a(text: string): number {
	let hash = 0x811c9dc5;
	for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
	return hash >>> 0;
}
