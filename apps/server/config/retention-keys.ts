/** How the history in PostgreSQL is divided, and how long it is kept. */
import { key } from './key.ts';
import { boolean, integer, type ValueType } from './value-types.ts';

const hourMs = 3_600_000;
const units: Readonly<Record<string, number>> = {
	h: hourMs,
	d: 24 * hourMs,
	w: 7 * 24 * hourMs,
	y: 365 * 24 * hourMs,
};
const sizes: Readonly<Record<string, number>> = { MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

/** Milliseconds; 0 is shown as it is written. */
const age: ValueType<number> = {
	allowed: 'hours, days, weeks or years like `36h`, `90d`, `4w`, `2y`; 0: none',
	read: (text) => quantity(text, units),
	show: (value) => (value === 0 ? '0' : value % units.d! === 0 ? `${value / units.d!}d` : `${value / hourMs}h`),
};

/** Bytes. */
const byteSize: ValueType<number> = {
	allowed: 'a size like `500MB`, `200GB`, `2TB`; 0: none',
	read: (text) => quantity(text, sizes),
	show: (value) => {
		const unit = Object.entries(sizes).findLast(([, bytes]) => value >= bytes && value % bytes === 0);
		return unit === undefined ? String(value) : `${value / unit[1]}${unit[0]}`;
	},
};

function quantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
	if (text === '0') return 0;
	const [, number = '', unit = ''] = /^([0-9]+)([a-zA-Z]+)$/.exec(text) ?? [];
	const value = Number(number) * (units[unit] ?? Number.NaN);
	return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

export const retentionKeys = {
	'audit.retention.age': key(
		age,
		0,
		'The mirror removes what is older, in whole partitions, and keeps the tree from there on: the oldest partition goes when all of it is older. 0: the history is kept for ever.',
	),
	'audit.retention.size': key(
		byteSize,
		0,
		'The mirror removes the oldest partitions when the history, indexes and all, takes up more. 0: it may grow.',
	),
	'audit.partition.rows': key(
		integer(10_000),
		5_000_000,
		'About how many transactions a partition of the history has; fewer where that is more than a twelfth of what `audit.retention.*` keeps.',
	),
	'audit.partition.size': key(
		byteSize,
		16 * 2 ** 30,
		'About how large a partition becomes, indexes and all; 0: of any size.',
	),
	'audit.yields': key(
		boolean,
		false,
		'Whether the mirror falls behind, where processors are short, rather than take from those who serve clients, or from anything else that runs there. Linux only; without effect with audit.mode=strict.',
	),
	'audit.pack': key(
		boolean,
		true,
		'Whether the mirror writes a partition once more, without what is free in it, when the one behind it is full, too. It does so when it has nothing else to do, and needs room for the largest table of a partition.',
	),
};
