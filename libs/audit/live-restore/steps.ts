/**
 * The changes of a plan as multis: small enough for every server of an ensemble, each operation with the version that the plan saw, and with a check of each
 * parent that gets children.
 */
import type { CreateOp, MultiOp } from '#core/model/op';
import { parentPath } from '#core/model/path';
import { ownerKind, ttlOf } from '#core/tree/owners';
import type { Acl } from '#jute/records';
import type { NodeChange } from './plan.ts';
import type { WantedNode } from './wanted.ts';

export interface StepLimits {
	/** Operations of a multi, checks included. */
	readonly operations: number;
	/** Of its operations together; a single one may be larger. */
	readonly bytes: number;
}

type Operation = MultiOp['ops'][number];

export interface Step {
	readonly operations: readonly Operation[];
	/** Of each operation: the change that it belongs to. */
	readonly changes: readonly NodeChange[];
}

export const anyVersion = -1;
/** Around path, data and ACL, about. */
const operationBytes = 64;

/** @param isForced whatever is there is overwritten */
export function* stepsOf(changes: Iterable<NodeChange>, limits: StepLimits, isForced: boolean): Generator<Step> {
	/** Of nodes that earlier changes made or set. */
	const versions = new Map<string, number>();
	let operations: Operation[] = [];
	let owners: NodeChange[] = [];
	let bytes = 0;
	/** Nothing more is to be checked of these in this step. */
	let sure = new Set<string>();
	for (const change of changes) {
		const size = sizeOf(change);
		const isFull = operations.length + 2 > limits.operations || bytes + size > limits.bytes;
		if (operations.length > 0 && isFull) {
			yield { operations, changes: owners };
			operations = [];
			owners = [];
			bytes = 0;
			sure = new Set();
		}
		const parent = change.kind === 'create' ? parentPath(change.path) : undefined;
		if (parent !== undefined && !isForced && !sure.has(parent)) {
			const version = versions.get(parent) ?? (change.kind === 'create' ? change.parent?.version : undefined);
			if (version !== undefined) {
				operations.push({ kind: 'check', path: parent, version });
				owners.push(change);
			}
			sure.add(parent);
		}
		operations.push(operationOf(change, isForced));
		owners.push(change);
		bytes += size;
		sure.add(change.path);
		if (change.kind === 'create') versions.set(change.path, 0);
		else if (change.kind === 'setData') versions.set(change.path, (change.seen.version + 1) | 0);
		else versions.delete(change.path);
	}
	if (operations.length > 0) yield { operations, changes: owners };
}

function operationOf(change: NodeChange, isForced: boolean): Operation {
	const { path } = change;
	switch (change.kind) {
		case 'create':
			return creationOf(change.node);
		case 'setData':
			return { kind: 'setData', path, data: change.node.data, version: isForced ? anyVersion : change.seen.version };
		case 'delete':
			return { kind: 'delete', path, version: isForced ? anyVersion : change.seen.version };
	}
}

function creationOf({ path, data, acl, owner }: WantedNode): CreateOp {
	const common = { kind: 'create', path, data, acl, withStat: false } as const;
	switch (ownerKind(owner)) {
		case 'container':
			return { ...common, mode: 'container' };
		case 'ttl':
			return { ...common, mode: 'ttl', ttlMs: ttlOf(owner) };
		default:
			return { ...common, mode: 'persistent' };
	}
}

function sizeOf(change: NodeChange): number {
	const size = operationBytes + change.path.length * 3;
	if (change.kind === 'delete') return size;
	const { data, acl } = change.node;
	return size + (data?.length ?? 0) + (change.kind === 'create' ? aclBytes(acl) : 0);
}

function aclBytes(acl: readonly Acl[]): number {
	return acl.reduce((sum, { scheme, id }) => sum + 12 + scheme.length + id.length * 3, 0);
}
