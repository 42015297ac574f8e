/** Counters since the start; metrics and the admin commands read them. */
export class HostStats {
	requests = 0;
	writes = 0;
	answers = 0;
	txnsApplied = 0;
	throttled = 0;
	sessionsExpired = 0;
	/** Requests that met a bug, not an expected error. */
	requestsFailed = 0;
}
