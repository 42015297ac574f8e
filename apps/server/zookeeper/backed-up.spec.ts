import { expect, it } from 'vitest';
import { BackedUp, type Reader } from './backed-up.ts';

function reader(unsentBytes: number, cut: number[]): Reader {
	return { unsentBytes, noteProgress: () => {}, cut: (bytes) => cut.push(bytes) };
}

it('cuts nobody while all that waits has room', () => {
	const cut: number[] = [];
	const backedUp = new BackedUp(100);
	backedUp.cutWhenTooMuch();
	for (const bytes of [30, 70]) backedUp.add(reader(bytes, cut));
	backedUp.cutWhenTooMuch();
	expect(cut).toEqual([]);
});

it('cuts those with most, and no more of them than it takes', () => {
	const cut: number[] = [];
	const backedUp = new BackedUp(100);
	for (const bytes of [30, 90, 20, 80]) backedUp.add(reader(bytes, cut));
	backedUp.cutWhenTooMuch();
	expect(cut).toEqual([90, 80]);
	backedUp.cutWhenTooMuch();
	expect(cut).toEqual([90, 80]);
});

it('forgets who has caught up', () => {
	const cut: number[] = [];
	const backedUp = new BackedUp(100);
	const fast = reader(90, cut);
	backedUp.add(fast);
	backedUp.add(reader(80, cut));
	backedUp.delete(fast);
	backedUp.cutWhenTooMuch();
	expect(cut).toEqual([]);
});
