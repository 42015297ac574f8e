/** Of what the chain found invalid: which field of the request, and what is wrong with it, where that can be told. ZooKeeper's codes say only that something is. */
import type { MultiOp, Op } from '#core/model/op';
import { pathProblem } from '#core/model/path';
import { errors } from '#jute/errors';

export interface WrongField {
	readonly field?: string;
	readonly message?: string;
}

const cases = { create: 'create', setData: 'set', delete: 'delete', check: 'check' } as const satisfies Record<
	MultiOp['ops'][number]['kind'],
	string
>;

/** @param op in front of which `at` stands: of a multi one of its operations */
export function wrongField(op: Op, code: number, at = ''): WrongField {
	if (code === errors.invalidAcl.code && (op.kind === 'create' || op.kind === 'setACL')) return { field: `${at}acl` };
	if (code !== errors.badArguments.code || !('path' in op)) return {};
	const isSequential =
		op.kind === 'create' && (op.mode === 'persistentSequential' || op.mode === 'ephemeralSequential');
	const problem = pathProblem(op.path, isSequential);
	if (problem !== null) return { field: `${at}path`, message: `${op.path}: ${problem}` };
	return op.kind === 'delete' ? { field: `${at}path`, message: `${op.path}: the node cannot be deleted` } : {};
}

export function wrongFieldOfMulti({ ops }: MultiOp, failed: number, code: number): WrongField {
	const op = ops[failed];
	return op === undefined ? {} : wrongField(op, code, `ops[${failed}].${cases[op.kind]}.`);
}
