const zone = new Intl.DateTimeFormat('en', { timeZoneName: 'short' });

/** As Java's Date prints itself: `Sat Nov 21 13:13:50 UTC 2026`, in the zone of the process. */
export function javaDate(timeMs: number): string {
	const date = new Date(timeMs);
	const name = zone.formatToParts(date).find(({ type }) => type === 'timeZoneName')?.value ?? 'UTC';
	// toString() begins with `Sat Nov 21 2026 13:13:50 GMT+0000`.
	const [day, month, ofMonth, year, time] = date.toString().split(' ');
	return `${day} ${month} ${ofMonth} ${time} ${name} ${year}`;
}
