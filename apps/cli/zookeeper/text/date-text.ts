/** Java's `Date.toString()`: `Sat Nov 21 13:11:07 CET 2026`, in the local time zone. */

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** Each knows the abbreviations of its own part of the world; the first that has one wins. */
const locales = ['en-US', 'en-GB', 'en-AU', 'en-NZ', 'en-IN', 'en-ZA', 'en-CA'];

export function dateText(time: number): string {
	const date = new Date(time);
	if (Number.isNaN(date.getTime())) return 'Invalid Date';
	const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
	const day = `${days[date.getDay()]} ${months[date.getMonth()]} ${twoDigits(date.getDate())}`;
	return `${day} ${clock} ${zoneText(date)} ${date.getFullYear()}`;
}

function zoneText(date: Date): string {
	for (const locale of locales) {
		const name = zoneName(date, locale, 'short');
		if (/^[A-Z]{2,5}$/.test(name)) return name;
	}
	const long = zoneName(date, 'en-US', 'long');
	const initials = long.replace(/[^A-Z]/g, '');
	return /^[A-Z][a-z]+ (Standard|Summer|Daylight) Time$/.test(long) ? initials : zoneName(date, 'en-US', 'longOffset');
}

function zoneName(date: Date, locale: string, timeZoneName: 'short' | 'long' | 'longOffset'): string {
	const parts = new Intl.DateTimeFormat(locale, { timeZoneName }).formatToParts(date);
	return parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'UTC';
}

function twoDigits(value: number): string {
	return String(value).padStart(2, '0');
}
