import type { Op } from '../model/op.ts';

/** About how much memory a request that waits keeps: its data and paths. */
export function opBytes(op: Op): number {
	switch (op.kind) {
		case 'create':
		case 'setData':
			return op.path.length + (op.data?.length ?? 0);
		case 'multi':
			return op.ops.reduce((sum, sub) => sum + opBytes(sub), 0);
		case 'setWatches':
			return 64 * (op.data.length + op.exist.length + op.child.length + op.persistent.length);
		default:
			return 64;
	}
}
