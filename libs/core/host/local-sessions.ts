import type { Op } from '../model/op.ts';

/** An ephemeral node, alone or in a multi, is what a local session cannot have (semantics 66). */
export function createsEphemeral(op: Op): boolean {
	if (op.kind === 'create') return op.mode === 'ephemeral' || op.mode === 'ephemeralSequential';
	return op.kind === 'multi' && op.ops.some(createsEphemeral);
}
