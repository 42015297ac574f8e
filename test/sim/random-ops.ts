/** Requests drawn from a seed, over few paths, so that they meet. */
import type { CreateMode, MultiOp, Op, WriteOp } from '#core/model/op';
import { openAcl } from '#jute/acl';
import type { Acl } from '#jute/records';
import type { SeededRandom } from './random.ts';

const names = ['a', 'b', 'c'];
const lockedAcl: readonly Acl[] = [{ scheme: 'digest', id: 'nobody:x', perms: 31 }];
const readOnlyAcl: readonly Acl[] = [{ scheme: 'world', id: 'anyone', perms: 1 }];
const modes: readonly CreateMode[] = [
	'persistent',
	'persistent',
	'persistent',
	'ephemeral',
	'ephemeral',
	'persistentSequential',
	'ephemeralSequential',
	'container',
	'ttl',
	'ttlSequential',
];

export function randomPath(random: SeededRandom): string {
	let path = '';
	do path += `/${random.pick(names)}`;
	while (random.chance(0.45) && path.length < 8);
	return path;
}

function randomVersion(random: SeededRandom): number {
	return random.chance(0.6) ? -1 : random.below(4);
}

export function randomSimpleWrite(random: SeededRandom): MultiOp['ops'][number] {
	const path = randomPath(random);
	const kind = random.below(10);
	if (kind < 5) {
		const mode = random.pick(modes);
		const isTtl = mode === 'ttl' || mode === 'ttlSequential';
		const acl = random.chance(0.9) ? openAcl : random.pick([lockedAcl, readOnlyAcl, []]);
		const data = random.chance(0.2) ? null : new Uint8Array(random.below(20)).fill(random.below(256));
		return {
			kind: 'create',
			path: mode.endsWith('Sequential') ? `${path}-` : path,
			data,
			acl,
			mode,
			...(isTtl ? { ttlMs: random.below(3) * 1000 } : {}),
			withStat: random.chance(0.5),
		};
	}
	if (kind < 7) return { kind: 'delete', path, version: randomVersion(random) };
	if (kind < 9) {
		return { kind: 'setData', path, data: new Uint8Array(random.below(30)), version: randomVersion(random) };
	}
	return { kind: 'check', path, version: randomVersion(random) };
}

/** Anything that makes a transaction and does not end the session. */
export function randomWrite(random: SeededRandom): WriteOp {
	const kind = random.below(10);
	if (kind < 2) return { kind: 'multi', ops: Array.from({ length: random.below(5) }, () => randomSimpleWrite(random)) };
	if (kind < 3) {
		const acl = random.pick([openAcl, openAcl, readOnlyAcl, lockedAcl]);
		return { kind: 'setACL', path: randomPath(random), acl, version: randomVersion(random) };
	}
	if (random.chance(0.05)) return { kind: 'deleteContainer', path: randomPath(random) };
	const op = randomSimpleWrite(random);
	return op.kind === 'check' ? { kind: 'multi', ops: [op] } : op;
}

export function randomRead(random: SeededRandom): Op {
	const path = randomPath(random);
	const watch = random.chance(0.3);
	switch (random.below(5)) {
		case 0:
			return { kind: 'getData', path, watch };
		case 1:
			return { kind: 'exists', path, watch };
		case 2:
			return { kind: 'getChildren', path, watch };
		case 3:
			return { kind: 'sync', path };
		default:
			return { kind: 'ping' };
	}
}
