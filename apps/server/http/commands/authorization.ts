/**
 * Who may run a command that changes something: the superuser, or an identity that an entry of its own in the ACL of `/` gives ADMIN.
 * That everybody (`world:anyone`) has it there, as on every new tree, is no authorization.
 */
import { authenticate } from '#core/chain/auth';
import { isPermitted } from '#core/tree/acl-check';
import { permission } from '#jute/op-codes';
import type { Id } from '#jute/records';
import type { ServerView } from '../../zookeeper/server-view.ts';

export interface Refusal {
	readonly status: 401 | 403;
	readonly message: string;
}

const forms = '`Authorization: Digest user:password` or HTTP Basic';

/** Undefined when the caller may. */
export function authorize(
	header: string | undefined,
	{ config, replica }: ServerView,
	superDigest: string | null,
): Refusal | undefined {
	if (!config['DigestAuthenticationProvider.enabled']) {
		return refusal(
			403,
			'the digest scheme is switched off (DigestAuthenticationProvider.enabled), and there is no other',
		);
	}
	if (header === undefined) return refusal(401, `this command needs authorization: send ${forms}`);
	const credentials = credentialsOf(header);
	if (credentials === undefined) return refusal(401, `the authorization cannot be used: it must be ${forms}`);
	const identities: readonly Id[] = authenticate('digest', credentials, superDigest) ?? [];
	if (identities.some(({ scheme }) => scheme === 'super')) return undefined;
	const own = (replica.host.tree.acl('/') ?? []).filter(({ scheme }) => scheme !== 'world');
	if (own.length > 0 && isPermitted(own, permission.admin, identities)) return undefined;
	return refusal(
		403,
		'not permitted: this takes the superuser (DigestAuthenticationProvider.superDigest), or an entry of its own with ADMIN in the ACL of /',
	);
}

/** `user:password` of `Digest user:password`, as ZooKeeper 3.9 takes it, or of `Basic` and its base64. */
function credentialsOf(header: string): Uint8Array | undefined {
	const [, scheme, rest] = /^(digest|basic)\s+(\S.*)$/i.exec(header.trim()) ?? [];
	if (scheme === undefined || rest === undefined) return undefined;
	const bytes = Buffer.from(rest, scheme.toLowerCase() === 'basic' ? 'base64' : 'utf8');
	return bytes.includes(0x3a) ? bytes : undefined;
}

function refusal(status: Refusal['status'], message: string): Refusal {
	return { status, message };
}
