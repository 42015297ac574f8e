/** What takes more than an access control list says: who may operate the replica, and who may read its whole history. */
import { hideDigests, isPermitted } from '#core/tree/acl-check';
import { permission } from '#jute/op-codes';
import type { Acl, Id } from '#jute/records';
import type { ServerConfig } from '../../config/config.ts';
import { isLoopback } from '../../config/grpc-security.ts';
import { refusal } from '../refusals.ts';

export type Role = 'admin' | 'history' | 'restore';

/** Of each service: who may call it, null where access control lists decide alone. */
const roles: Readonly<Record<string, Role | null>> = {
	ZnodeService: null,
	SessionService: null,
	WatchService: null,
	HistoryService: 'history',
	AdminService: 'admin',
	RestoreService: 'restore',
};
/** What everybody may call, and is told less without the role. */
const openMethods: ReadonlySet<string> = new Set(['HistoryService/TailTransactions', 'HistoryService/Watch']);
const thisMachine: readonly Id[] = [
	{ scheme: 'ip', id: '127.0.0.0/8' },
	{ scheme: 'ip', id: '::1' },
];

/** @param method `/chronokeeper.v1.AdminService/Status`. A service that nobody has thought of is for operators. */
export function roleOf(method: string): Role | null {
	const [, service = '', name = ''] = /^\/(?:[\w.]*\.)?(\w+)\/(.*)$/.exec(method) ?? [];
	if (openMethods.has(`${service}/${name}`)) return null;
	const role = Object.hasOwn(roles, service) ? roles[service] : undefined;
	return role === undefined ? 'admin' : role;
}

export class Roles {
	/** As access control lists: whoever may read has the role. */
	readonly #holders: Readonly<Record<Role, readonly Acl[]>>;

	constructor(config: Pick<ServerConfig, 'grpc.adminIds' | 'grpc.historyIds' | 'grpc.restoreIds' | 'grpcAddress'>) {
		const others = isLoopback(config.grpcAddress) ? thisMachine : [];
		const holders = (ids: readonly Id[], without = others) =>
			(ids.length > 0 ? ids : without).map((id) => ({ ...id, perms: permission.read }));
		this.#holders = {
			admin: holders(config['grpc.adminIds']),
			history: holders(config['grpc.historyIds']),
			// It passes all access control lists, so no place to call from is enough.
			restore: holders(config['grpc.restoreIds'], []),
		};
	}

	has(role: Role, identities: readonly Id[]): boolean {
		const holders = this.#holders[role];
		// An empty list would be open to everybody.
		const isHeld = holders.length > 0 && isPermitted(holders, permission.read, identities);
		return isHeld || identities.some(({ scheme }) => scheme === 'super');
	}

	/** @throws RpcException PERMISSION_DENIED */
	check(method: string, role: Role, identities: readonly Id[]): void {
		if (this.has(role, identities)) return;
		const shown = hideDigests(identities.map((id) => ({ ...id, perms: 0 }))).map(({ scheme, id }) => `${scheme}:${id}`);
		throw refusal(
			'ROLE_NEEDED',
			`${method} takes the role ${role}, which you do not have as ${shown.join(', ')}: the operator gives it to one of these in grpc.${role}Ids`,
			{ role },
		);
	}
}
