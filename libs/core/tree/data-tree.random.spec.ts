import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import type { Acl } from '#jute/records';
import type { SessionId } from '#jute/scalars';
import type { SubTxn, Txn } from '#jute/txn';
import { type NaiveDescription, NaiveTree } from '#test/support/naive-tree';
import { creatorOnly, describeTree, header, session } from '#test/support/tree-history';
import { DataTree } from './data-tree.ts';
import { type FrozenTree, frozenNodes } from './frozen-tree.ts';

const names = ['a', 'b', 'a-name-longer-than-sixteen-bytes', 'é', '名前', '😀', '\ud800', 'zookeeper', '0000000001'];
const path = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
const data = fc.oneof<fc.WeightedArbitrary<Uint8Array | null>[]>(
	{ weight: 8, arbitrary: fc.option(fc.uint8Array({ maxLength: 40 })) },
	{ weight: 2, arbitrary: fc.integer({ min: 100, max: 5000 }).map((length) => new Uint8Array(length).fill(length)) },
	{ weight: 1, arbitrary: fc.integer({ min: 30_000, max: 70_000 }).map((length) => new Uint8Array(length).fill(7)) },
);
const acl = fc.constantFrom<readonly Acl[]>(openAcl, creatorOnly, [...creatorOnly, ...openAcl], []);
const parentCversion = fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 30 }));
const kindOf = <K extends string>(...kinds: K[]) => fc.constantFrom(...kinds);

const subTxn: fc.Arbitrary<SubTxn> = fc.oneof(
	{
		weight: 6,
		arbitrary: fc.record({
			kind: kindOf('create', 'create2'),
			path,
			data,
			acl,
			ephemeral: fc.boolean(),
			parentCversion,
		}),
	},
	{ weight: 1, arbitrary: fc.record({ kind: kindOf('createContainer'), path, data, acl, parentCversion }) },
	{
		weight: 1,
		arbitrary: fc.record({
			kind: kindOf('createTTL'),
			path,
			data,
			acl,
			parentCversion,
			ttlMs: fc.integer({ min: 1, max: 0xff_ffff_ffff }),
		}),
	},
	{ weight: 3, arbitrary: fc.record({ kind: kindOf('delete', 'deleteContainer'), path }) },
	{ weight: 4, arbitrary: fc.record({ kind: kindOf('setData'), path, data, version: fc.integer() }) },
	{ weight: 2, arbitrary: fc.record({ kind: kindOf('setACL'), path, acl, version: fc.integer() }) },
	{ weight: 1, arbitrary: fc.record({ kind: kindOf('check'), path, version: fc.integer() }) },
);
const errorTxn: fc.Arbitrary<SubTxn> = fc.record({ kind: kindOf('error'), code: fc.integer({ min: -127, max: 0 }) });
const txn: fc.Arbitrary<Txn> = fc.oneof(
	{ weight: 12, arbitrary: subTxn },
	{
		weight: 2,
		arbitrary: fc.record({
			kind: kindOf('multi'),
			ops: fc.array(fc.oneof({ weight: 9, arbitrary: subTxn }, { weight: 1, arbitrary: errorTxn }), { maxLength: 4 }),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({ kind: kindOf('closeSession'), paths: fc.option(fc.array(path, { maxLength: 3 })) }),
	},
	{ weight: 1, arbitrary: errorTxn },
	{ weight: 1, arbitrary: fc.record({ kind: kindOf('createSession'), timeoutMs: fc.integer() }) },
);
type Step =
	| { readonly do: 'apply'; readonly txn: Txn; readonly sessionId: SessionId; readonly zxidBack: number }
	| { readonly do: 'freeze' }
	| { readonly do: 'release'; readonly oldest: boolean };
const step: fc.Arbitrary<Step> = fc.oneof(
	{
		weight: 20,
		arbitrary: fc.record({
			do: kindOf('apply'),
			txn,
			sessionId: fc.constantFrom(session, 0xfe00_0000_0000_0001n as SessionId),
			zxidBack: fc.oneof(
				{ weight: 9, arbitrary: fc.constant(0) },
				{ weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }) },
			),
		}),
	},
	{ weight: 1, arbitrary: fc.record({ do: kindOf('freeze') }) },
	{ weight: 1, arbitrary: fc.record({ do: kindOf('release'), oldest: fc.boolean() }) },
);

function describeFrozen(frozen: FrozenTree): NaiveDescription[] {
	const acls = new Map<number, readonly Acl[]>(frozen.acls);
	return [...frozenNodes(structuredClone(frozen.transferable()))].map(({ path: at, data: content, aclId, stat }) => ({
		path: at,
		data: content && [...content],
		acl: aclId === -1 ? openAcl : acls.get(aclId)!,
		stat,
	}));
}

it('18-27, 42, 63, 76, 78: equals a naive tree after any transactions, and a frozen one what the tree was when it froze', () => {
	fc.assert(
		fc.property(fc.array(step, { minLength: 1, maxLength: 150, size: 'max' }), (steps) => {
			const tree = new DataTree();
			const naive = new NaiveTree();
			const open: { readonly frozen: FrozenTree; readonly expected: NaiveDescription[]; readonly digest: bigint }[] =
				[];
			let zxid = 0;
			for (const each of steps) {
				if (each.do === 'apply') {
					zxid += 1;
					const head = header(Math.max(1, zxid - each.zxidBack), each.sessionId);
					const result = tree.apply({ header: head, txn: each.txn });
					expect(result.error).toBe(naive.apply(head, each.txn));
					expect(tree.digest()).toBe(naive.digest());
					expect(tree.size).toBe(naive.nodes.size);
				} else if (each.do === 'freeze' && open.length < 2) {
					open.push({ frozen: tree.freeze(), expected: naive.describe(), digest: naive.digest() });
				} else if (each.do === 'release' && open.length > 0) {
					const { frozen, expected, digest } = each.oldest ? open.shift()! : open.pop()!;
					expect(describeFrozen(frozen)).toEqual(expected);
					expect([frozen.digest, frozen.size]).toEqual([digest, expected.length]);
					frozen.release();
				}
			}
			for (const { frozen, expected } of open) expect(describeFrozen(frozen)).toEqual(expected);
			expectEqual(tree, naive);
		}),
		{ numRuns: 80 },
	);
});

function expectEqual(tree: DataTree, naive: NaiveTree): void {
	expect(describeTree(tree)).toEqual(naive.describe());
	const sorted = (paths: Iterable<string>) => [...paths].sort();
	const owned = (matches: (owner: bigint) => boolean) =>
		sorted([...naive.nodes].flatMap(([at, node]) => (matches(node.stat.ephemeralOwner) ? [at] : [])));
	const marks = (owner: bigint) => owner === 1n << 63n || owner >> 56n === 0xffn;
	expect(sorted(tree.containers())).toEqual(owned((owner) => owner === 1n << 63n));
	expect(sorted(tree.ttlNodes())).toEqual(owned((owner) => owner >> 56n === 0xffn));
	for (const id of tree.sessionsWithEphemerals()) expect(sorted(tree.ephemeralsOf(id))).toEqual(owned((o) => o === id));
	expect(tree.ephemeralCount).toBe(owned((owner) => owner !== 0n && !marks(owner)).length);
	let size = 1;
	for (const [at, { data: content, stat, children }] of naive.nodes) {
		size += at === '/' ? (content?.length ?? 0) * 2 : at.length + (content?.length ?? 0);
		const numChildren = children.size;
		const shown = marks(stat.ephemeralOwner) ? 0n : stat.ephemeralOwner;
		expect(tree.stat(at)).toEqual({
			...stat,
			cversion: (stat.cversion * 2 - numChildren) | 0,
			ephemeralOwner: shown,
			dataLength: content?.length ?? 0,
			numChildren,
		});
		expect(tree.children(at)).toEqual([...children].map((child) => child.slice(child.lastIndexOf('/') + 1)));
		expect(tree.node(at)).toMatchObject({ path: at, stat, childCount: numChildren, dataLength: content?.length ?? 0 });
	}
	expect(tree.approximateDataSize).toBe(size);
}
