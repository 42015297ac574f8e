import type { Op } from '../model/op.ts';

/** About how much memory a request that waits keeps: its data and paths. */
export function opBytes(op: Op): number {
	switch (op.kind) {
		case 'create':
		case 'setData':
			return op.path.length + (op.data?.length ?? 0);
		case 'delete':
		case 'exists':
		case 'getData':
		case 'getChildren':
			return 64 + op.path.length;
		case 'multi':
		case 'multiRead':
			return op.ops.reduce((sum, sub) => sum + opBytes(sub), 0);
		case 'setWatches':
			return (
				pathBytes(op.data) +
				pathBytes(op.exist) +
				pathBytes(op.child) +
				pathBytes(op.persistent) +
				pathBytes(op.persistentRecursive)
			);
		case 'openWatches': {
			let sum = 0;
			for (const { path } of op.targets) sum += 64 + path.length;
			return sum;
		}
		default:
			return 64;
	}
}

function pathBytes(paths: readonly string[]): number {
	let sum = 0;
	for (const path of paths) sum += 64 + path.length;
	return sum;
}
