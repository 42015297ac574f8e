/**
 * Who may do what (semantics 34-39). Identities are (scheme, id) pairs that a connection has proved: `digest` from a password, `ip` from
 * its address, `x509` from its certificate, others from a token, `super` from the operator's. An ACL grants a permission if any entry that
 * matches any of them has it.
 */
import type { Acl, Id } from '#jute/records';
import { ipMatches, isIpExpression } from './ip-match.ts';
import { isX500Name } from './x500-name.ts';

/** At the end of a scheme whose identities many share: `auth` does not stand for them, or a node that is its creator's would be its creator's group's. */
export const roleSuffix = '-role';

/** True when the ACL grants any of the permissions (semantics 34). An empty list is open to everybody. */
export function isPermitted(acl: readonly Acl[], permissions: number, identities: readonly Id[]): boolean {
	if (acl.length === 0) return true;
	for (const entry of acl) {
		if ((entry.perms & permissions) === 0) continue;
		if (isAnyone(entry) || identities.some((identity) => matches(entry, identity))) return true;
	}
	return identities.some((identity) => identity.scheme === 'super');
}

/**
 * The list to be stored for one that a client sent (semantics 35): duplicates go, `auth` becomes the identities that the client has
 * authenticated. Undefined when the list is empty, has a scheme or an id that cannot be, or `auth` stands for nobody: InvalidACL.
 * @param schemes those that there are besides `world`, `ip` and `digest`
 */
export function fixAcl(
	acl: readonly Acl[],
	identities: readonly Id[],
	schemes: readonly string[] = [],
): readonly Acl[] | undefined {
	if (acl.length === 0) return undefined;
	if (acl.length === 1 && isAnyone(acl[0]!)) return acl;
	const fixed: Acl[] = [];
	for (const entry of withoutDuplicates(acl)) {
		if (entry.scheme === 'auth') {
			const authenticated = identities.filter(
				({ scheme }) => scheme === 'digest' || (schemes.includes(scheme) && !scheme.endsWith(roleSuffix)),
			);
			if (authenticated.length === 0) return undefined;
			for (const { scheme, id } of authenticated) fixed.push({ perms: entry.perms, scheme, id });
		} else if (isAnyone(entry) || (isKnown(entry.scheme, schemes) && isValidId(entry))) {
			fixed.push(entry);
		} else {
			return undefined;
		}
	}
	return fixed;
}

/** Whether it can be anybody's, by the rules of its scheme. Those of schemes that are not ZooKeeper's have none. */
export function isValidId(id: Id): boolean {
	switch (id.scheme) {
		case 'world':
			return isAnyone(id);
		case 'ip':
			return isIpExpression(id.id);
		case 'digest':
			return isDigestId(id.id);
		case 'x509':
			return isX500Name(id.id);
		default:
			return id.id !== '';
	}
}

/** What somebody without ADMIN gets to see: `user:x` instead of the hash of the password (semantics 36). */
export function hideDigests(acl: readonly Acl[]): readonly Acl[] {
	return acl.map((entry) =>
		entry.scheme === 'digest' ? { ...entry, id: entry.id.replace(/:[\s\S]*$/, ':x') } : entry,
	);
}

function isAnyone(entry: Id): boolean {
	return entry.scheme === 'world' && entry.id === 'anyone';
}

function matches(entry: Acl, identity: Id): boolean {
	if (entry.scheme !== identity.scheme) return false;
	if (entry.scheme === 'ip') return ipMatches(identity.id, entry.id);
	return entry.scheme !== 'world' && entry.scheme !== 'auth' && entry.id === identity.id;
}

function isKnown(scheme: string, schemes: readonly string[]): boolean {
	return scheme === 'digest' || scheme === 'ip' || schemes.includes(scheme);
}

/** `user:hash`. Colons at the end do not count, as in ZooKeeper. */
function isDigestId(id: string): boolean {
	return id.replace(/:+$/, '').split(':').length === 2;
}

/** In one pass: a request has room for a hundred thousand entries. */
function withoutDuplicates(acl: readonly Acl[]): readonly Acl[] {
	if (acl.length === 1) return acl;
	const seen = new Set<string>();
	return acl.filter(({ perms, scheme, id }) => {
		const size = seen.size;
		return seen.add(`${perms}:${scheme.length}:${scheme}${id}`).size > size;
	});
}
