/** A state of the past, as people name it: a zxid or a time. */
import { InvalidArgumentError } from 'commander';
import type { History } from '#audit/history';
import { parseZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import type { Terminal } from '../terminal.ts';
import { hex } from '../view/text.ts';

export type Moment = { readonly zxid: Zxid } | MomentOfTime;

export interface MomentOfTime {
	readonly ms: number;
	/** It was written without a zone: the time of this machine is meant. */
	readonly isLocal: boolean;
}

/** `2026-11-20 14:00+01`, `2026-11-20T13:00:00Z`, `2026-11-20 14:00:30.5` in the time of this machine. */
const pattern =
	/^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,3})?)?)?\s*(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?$/i;

export function timeArgument(text: string): MomentOfTime {
	const [, day, minutes = '00:00', seconds = ':00', zone = ''] = pattern.exec(text.trim()) ?? [];
	const offset = /^[+-][0-9]{2}$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-][0-9]{2})([0-9]{2})$/, '$1:$2');
	const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${minutes}${seconds}${offset.toUpperCase()}`);
	if (Number.isNaN(ms)) {
		throw new InvalidArgumentError(
			`"${text}" is no time: write it like "2026-11-20 14:00+01", or without the zone for the time of this machine.`,
		);
	}
	return { ms, isLocal: zone === '' };
}

export function momentArgument(text: string): Moment {
	return /^(0x[0-9a-f]+|[0-9]+)$/i.test(text.trim()) ? { zxid: parseZxid(text) } : timeArgument(text);
}

/** The zxid of it. @throws the database's error when the history does not know it */
export async function zxidOfMoment(moment: Moment, history: Pick<History, 'zxidAt'>): Promise<Zxid> {
	return 'zxid' in moment ? moment.zxid : history.zxidAt(moment.ms);
}

/** The same, and says on the side what a time was taken for. */
export async function tellZxidOf(
	moment: Moment,
	history: Pick<History, 'zxidAt'>,
	terminal: Pick<Terminal, 'note'>,
): Promise<Zxid> {
	const zxid = await zxidOfMoment(moment, history);
	if ('ms' in moment) terminal.note(`${momentText(moment)} is zxid ${hex(zxid)}`);
	return zxid;
}

/** Of a time of this machine its zone, too. */
export function momentText({ ms, isLocal }: MomentOfTime): string {
	if (!isLocal) return new Date(ms).toISOString();
	const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
	return `${new Date(ms).toISOString()}, in the time of this machine (${zone}),`;
}

/** The first transaction that is not before it. */
export async function zxidFrom(moment: Moment, history: Pick<History, 'lastZxidAt'>): Promise<Zxid> {
	if ('zxid' in moment) return moment.zxid;
	return (((await history.lastZxidAt(moment.ms - 1)) ?? -1) + 1) as Zxid;
}

/** The last transaction that is not behind it; 0, which none has, when all are. */
export async function zxidThrough(moment: Moment, history: Pick<History, 'lastZxidAt'>): Promise<Zxid> {
	return 'zxid' in moment ? moment.zxid : ((await history.lastZxidAt(moment.ms)) ?? zeroZxid);
}
