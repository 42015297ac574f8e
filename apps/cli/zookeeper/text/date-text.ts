/** Java's `Date.toString()`: `Sat Nov 21 13:11:07 CET 2026`, in the local time zone. */

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** Each knows the abbreviations of its own part of the world; the first that has one wins. */
const locales = ['en-US', 'en-GB', 'en-AU', 'en-NZ', 'en-IN', 'en-ZA', 'en-CA'];
/** What Java calls zones that English has no abbreviation for. The small ones are said as an offset, which Java does for some as well. */
const abbreviations: ReadonlyMap<string, string> = new Map([
	['Argentina Standard Time', 'ART'],
	['Armenia Standard Time', 'AMT'],
	['Azerbaijan Standard Time', 'AZT'],
	['Bangladesh Standard Time', 'BDT'],
	['Bolivia Time', 'BOT'],
	['Brasilia Standard Time', 'BRT'],
	['Chile Standard Time', 'CLT'],
	['Chile Summer Time', 'CLST'],
	['China Standard Time', 'CST'],
	['Colombia Standard Time', 'COT'],
	['Ecuador Time', 'ECT'],
	['Georgia Standard Time', 'GET'],
	['Gulf Standard Time', 'GST'],
	['Hong Kong Standard Time', 'HKT'],
	['Indochina Time', 'ICT'],
	['Iran Standard Time', 'IRST'],
	['Israel Standard Time', 'IST'],
	['Israel Daylight Time', 'IDT'],
	['Japan Standard Time', 'JST'],
	['Korean Standard Time', 'KST'],
	['Malaysia Time', 'MYT'],
	['Moscow Standard Time', 'MSK'],
	['Nepal Time', 'NPT'],
	['Novosibirsk Standard Time', 'NOVT'],
	['Pakistan Standard Time', 'PKT'],
	['Paraguay Standard Time', 'PYT'],
	['Peru Standard Time', 'PET'],
	['Philippine Standard Time', 'PST'],
	['Singapore Standard Time', 'SGT'],
	['Taipei Standard Time', 'CST'],
	['Uruguay Standard Time', 'UYT'],
	['Uzbekistan Standard Time', 'UZT'],
	['Venezuela Time', 'VET'],
	['Vladivostok Standard Time', 'VLAT'],
	['Western Indonesia Time', 'WIB'],
	['Yekaterinburg Standard Time', 'YEKT'],
]);

export function dateText(time: number): string {
	const date = new Date(time);
	const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
	const day = `${days[date.getDay()]} ${months[date.getMonth()]} ${twoDigits(date.getDate())}`;
	return `${day} ${clock} ${zoneText(date)} ${date.getFullYear()}`;
}

function zoneText(date: Date): string {
	for (const locale of locales) {
		const name = zoneName(date, locale, 'short');
		if (/^[A-Z]{2,5}$/.test(name)) return name;
	}
	return abbreviations.get(zoneName(date, 'en-US', 'long')) ?? zoneName(date, 'en-US', 'longOffset');
}

function zoneName(date: Date, locale: string, timeZoneName: 'short' | 'long' | 'longOffset'): string {
	const parts = new Intl.DateTimeFormat(locale, { timeZoneName }).formatToParts(date);
	return parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'UTC';
}

function twoDigits(value: number): string {
	return String(value).padStart(2, '0');
}
