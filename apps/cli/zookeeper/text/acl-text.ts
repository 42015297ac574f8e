/** ACLs as the command line takes them, `scheme:id:perms,…`, and as it prints them. */
import { permission } from '#jute/op-codes';
import type { Acl, Id } from '#jute/records';

const letters: ReadonlyMap<string, number> = new Map([
	['r', permission.read],
	['w', permission.write],
	['c', permission.create],
	['d', permission.delete],
	['a', permission.admin],
]);

/** What cannot be read is said to `complain` and left out. */
export function parseAcl(text: string, complain: (text: string) => void): Acl[] {
	const acl: Acl[] = [];
	for (const entry of entriesOf(text)) {
		const first = entry.indexOf(':');
		const last = entry.lastIndexOf(':');
		if (first === last) {
			complain(`${entry} does not have the form scheme:id:perm`);
			continue;
		}
		const perms = parsePerms(entry.slice(last + 1), complain);
		acl.push({ scheme: entry.slice(0, first), id: entry.slice(first + 1, last), perms });
	}
	return acl;
}

/** Empty entries at the end do not count, unless there is no other. */
function entriesOf(text: string): string[] {
	return text === ''
		? ['']
		: text
				.replace(/,+$/, '')
				.split(',')
				.slice(/^,+$/.test(text) ? 1 : 0);
}

function parsePerms(text: string, complain: (text: string) => void): number {
	let perms = 0;
	for (let i = 0; i < text.length; i++) {
		const bit = letters.get(text[i]!);
		if (bit === undefined) complain(`Unknown perm type: ${text[i]}`);
		else perms |= bit;
	}
	return perms;
}

export function permsText(perms: number): string {
	return ['c', 'd', 'r', 'w', 'a'].filter((letter) => (perms & letters.get(letter)!) !== 0).join('');
}

/** An identity ends with a line feed: that is how Jute prints a record. */
export function idText({ scheme, id }: Id): string {
	return `${quoted(scheme)},${quoted(id)}\n`;
}

const escapes: Readonly<Record<string, string>> = {
	'\0': '%00',
	'\n': '%0A',
	'\r': '%0D',
	',': '%2C',
	'}': '%7D',
	'%': '%25',
};

/** Jute's strings have a quote in front only. */
function quoted(text: string): string {
	return `'${text.replace(/[\0\n\r,}%]/g, (character) => escapes[character]!)}`;
}
