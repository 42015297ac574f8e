import type { Decimal } from './decimal.ts';

/** One line of `mntr`. */
export type Figure = readonly [name: string, value: string | number | Decimal];
