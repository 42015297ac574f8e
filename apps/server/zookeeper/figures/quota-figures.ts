/** Quotas by the first part of the path they are on, as ZooKeeper adds them up: a hard limit takes the place of the soft one. */
import { quotaPath } from '#core/model/path';
import type { DataTree } from '#core/tree/data-tree';
import { limitsName, parseQuota, statsName } from '#core/tree/quota';
import type { Figure } from './figure.ts';

type Sums = Map<string, number>;

export function* quotaFigures(tree: DataTree): IterableIterator<Figure> {
	const sums = {
		count_limit: new Map() as Sums,
		bytes_limit: new Map() as Sums,
		count_usage: new Map() as Sums,
		bytes_usage: new Map() as Sums,
	};
	for (const path of quotaNodes(tree, quotaPath)) {
		const namespace = path.slice(quotaPath.length + 1).split('/')[0]!;
		const quota = parseQuota(tree.data(path) ?? null);
		if (path.endsWith(`/${limitsName}`)) {
			add(sums.count_limit, namespace, hardOrSoft(quota.countHardLimit, quota.count));
			add(sums.bytes_limit, namespace, hardOrSoft(quota.byteHardLimit, quota.bytes));
		} else {
			add(sums.count_usage, namespace, quota.count);
			add(sums.bytes_usage, namespace, quota.bytes);
		}
	}
	for (const [what, byNamespace] of Object.entries(sums)) {
		for (const [namespace, sum] of byNamespace) yield [`${namespace}_quota_${what}_per_namespace`, sum];
	}
}

/** The leaves below /zookeeper/quota that hold limits or usage. */
function* quotaNodes(tree: DataTree, path: string): IterableIterator<string> {
	for (const child of tree.children(path) ?? []) {
		if (child === limitsName || child === statsName) {
			// Directly below there is no path that they could be of.
			if (path !== quotaPath) yield `${path}/${child}`;
		} else yield* quotaNodes(tree, `${path}/${child}`);
	}
}

function hardOrSoft(hard: number, soft: number): number {
	return hard > -1 ? hard : soft;
}

function add(sums: Sums, namespace: string, value: number): void {
	sums.set(namespace, (sums.get(namespace) ?? 0) + value);
}
