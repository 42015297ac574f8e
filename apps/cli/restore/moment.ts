/** A state of the past, as people name it: a zxid or a time. */
import { InvalidArgumentError } from 'commander';
import type { History } from '#audit/history';
import { parseZxid, type Zxid } from '#core/model/zxid';

export type Moment = { readonly zxid: Zxid } | { readonly ms: number };

/** `2026-11-20 14:00+01`, `2026-11-20T13:00:00Z`, `2026-11-20 14:00:30.5` in the time of this machine. */
const pattern =
	/^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,3})?)?)?\s*(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?$/i;

export function timeArgument(text: string): Moment {
	const [, day, minutes = '00:00', seconds = ':00', zone = ''] = pattern.exec(text.trim()) ?? [];
	const offset = /^[+-][0-9]{2}$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-][0-9]{2})([0-9]{2})$/, '$1:$2');
	const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${minutes}${seconds}${offset.toUpperCase()}`);
	if (Number.isNaN(ms)) {
		throw new InvalidArgumentError(
			`"${text}" is no time: write it like "2026-11-20 14:00+01", or without the zone for the time of this machine.`,
		);
	}
	return { ms };
}

export function momentArgument(text: string): Moment {
	return /^(0x[0-9a-f]+|[0-9]+)$/i.test(text.trim()) ? { zxid: parseZxid(text) } : timeArgument(text);
}

/** The zxid of it. @throws the database's error when the history does not know it */
export async function zxidOfMoment(moment: Moment, history: Pick<History, 'zxidAt'>): Promise<Zxid> {
	return 'zxid' in moment ? moment.zxid : history.zxidAt(moment.ms);
}
