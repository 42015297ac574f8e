/** W3C tracestate (https://www.w3.org/TR/trace-context/#tracestate-header): `vendor=value,tenant@vendor=value`. */

/** Longer ones need not be kept. */
const longest = 512;
const mostMembers = 32;
const memberForm =
	/^([a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})=([ -+\--<>-~]{0,255}[!-+\--<>-~])$/;

/** What of it can be passed on; empty when nothing can. */
export function readTracestate(text: string | undefined): string {
	if (text === undefined || text.length > longest) return '';
	const members = text
		.split(',')
		.map((member) => member.trim())
		.filter((member) => memberForm.test(member));
	return members.slice(0, mostMembers).join(',');
}
