/** Values that are identities, as access control lists have them. */
import { isValidId } from '#core/tree/acl-check';
import type { Id } from '#jute/records';
import type { ValueType } from './value-types.ts';

/** A comma stands in the subject of a certificate, too: what separates identities is one with a scheme behind it. */
export const ids: ValueType<readonly Id[]> = {
	allowed:
		'identities as in access control lists, like `ip:10.0.0.0/8` or `x509:CN=ann,O=example`, separated by commas',
	read(text) {
		if (text.trim() === '') return Object.freeze([]);
		const read = text.split(/,\s*(?=[a-z][a-z0-9-]*:)/).map(readId);
		return read.includes(undefined) ? undefined : Object.freeze(read as Id[]);
	},
	show: (value) => value.map(({ scheme, id }) => `${scheme}:${id}`).join(','),
};

/** `super` need not be named, and what `auth` stands for is nobody's. */
function readId(text: string): Id | undefined {
	const [, scheme, id] = /^([a-z][a-z0-9-]*):(.+)$/s.exec(text.trim()) ?? [];
	if (scheme === undefined || id === undefined || scheme === 'super' || scheme === 'auth') return undefined;
	return isValidId({ scheme, id }) ? { scheme, id } : undefined;
}

/** What ZooKeeper's own schemes say is proved in another way: a token must not be able to say it. */
const taken: ReadonlySet<string> = new Set(['world', 'auth', 'ip', 'digest', 'super', 'x509']);

export const tokenScheme: ValueType<string> = {
	allowed: `lower-case letters, digits and \`-\`, and none of ${[...taken].map((scheme) => `\`${scheme}\``).join(', ')}`,
	read: (text) => (/^[a-z][a-z0-9-]*$/.test(text) && !taken.has(text) ? text : undefined),
	show: (value) => value,
};
