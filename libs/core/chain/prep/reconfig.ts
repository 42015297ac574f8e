import { errors } from '#jute/errors';
import { permission } from '#jute/op-codes';
import type { SetDataTxn } from '#jute/txn';
import type { ReconfigOp } from '../../model/op.ts';
import { configPath } from '../../model/path.ts';
import { textData } from '../../zab/messages.ts';
import { accessError, type ErrorCode, type PrepContext, sessionError } from './context.ts';
import { newConfig } from './new-config.ts';
import { projectSetData } from './set-data.ts';

/** The order of the checks is ZooKeeper's (semantics 82); a standalone replica has no membership to change. */
export function prepareReconfig(op: ReconfigOp, context: PrepContext): SetDataTxn | ErrorCode {
	const { ensemble, options } = context;
	if (!options.reconfigEnabled) return errors.reconfigDisabled.code;
	const session = sessionError(context);
	if (session !== 0) return session;
	if (ensemble === undefined) return errors.unimplemented.code;
	const { current, next } = ensemble.membership;
	if (next !== null) return errors.reconfigInProgress.code;
	if (op.configId !== -1n && op.configId !== BigInt(current.version)) return errors.badVersion.code;
	const wanted = newConfig(op, current, options.standaloneEnabled);
	if (wanted.kind === 'refused') {
		ensemble.refused(wanted.reason);
		return wanted.code;
	}
	const config = wanted.config.withVersion(context.zxid);
	if (!ensemble.isQuorumSynced(config)) {
		ensemble.refused(
			`no quorum of the new configuration (${config.participants.join(', ')}) is in step with the leader: start those servers, as members that do not vote yet, and try again`,
		);
		return errors.newConfigNoQuorum.code;
	}
	const node = context.changes.node(configPath);
	if (node === undefined) return errors.noNode.code;
	const access = accessError(context, node.acl, permission.write);
	if (access !== 0) return access;
	const data = textData(config.toString());
	projectSetData(context, { path: configPath, data }, node, -1, data.length);
	return { kind: 'reconfig', path: configPath, data, version: -1 };
}
