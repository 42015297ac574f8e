/** Asks the replica beside it whether it serves, for Docker's HEALTHCHECK: ends with 0 or 1, and says why it is 1. */
const url = `http://127.0.0.1:${process.env.CK_HTTP_PORT || 8080}/health/ready`;

try {
	const response = await fetch(url, { signal: AbortSignal.timeout(4000) });
	if (!response.ok) {
		console.log(await response.text());
		process.exitCode = 1;
	}
} catch (error) {
	console.log(`${url}: ${error.cause?.message ?? error.message}`);
	process.exitCode = 1;
}
