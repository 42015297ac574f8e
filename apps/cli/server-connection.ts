/** The commands that talk to a running replica: its address, the connection, and its errors in words. */
import type { ChronokeeperClient } from '#client/client';
import { Failure } from './failure.ts';
import type { ServerOptions } from './shared-options.ts';

/** Runs `use` with a client, and closes it. */
export async function withClient<T>(
	options: ServerOptions,
	use: (client: ChronokeeperClient) => Promise<T>,
): Promise<T> {
	// Loaded when it is needed: the other commands start faster without gRPC.
	const [{ ChronokeeperClient }, { ClientError }] = await Promise.all([
		import('#client/client'),
		import('#client/client-error'),
	]);
	const client = new ChronokeeperClient({
		address: options.server,
		auth: options.auth,
		timeoutMs: options.timeout * 1000,
	});
	try {
		return await use(client);
	} catch (error) {
		if (!(error instanceof ClientError)) throw error;
		throw new Failure(describe(error.message, error.codeName), advice(error.status, error.codeName, error.message));
	} finally {
		client.close();
	}
}

function describe(message: string, codeName: string): string {
	return codeName === '' || message.includes(codeName) ? message : `${message} (${codeName})`;
}

const adviceByCode: Readonly<Record<string, string>> = {
	BadVersion: 'Somebody changed it meanwhile: `ck stat PATH` shows the version it has now.',
	NotEmpty: 'Delete what is below it first, or everything at once with `ck delete --recursive PATH`.',
	NodeExists: '`ck set PATH DATA` replaces its data.',
	NoAuth: 'Say who you are with --auth user:password (or CK_AUTH).',
	AuthFailed: 'See whether user and password of --auth (or CK_AUTH) are right.',
};

function advice(status: string, codeName: string, message: string): string | undefined {
	if (message.startsWith('cannot reach ')) {
		return 'Is the server running? `npm start` (or `ck server`) starts one; --server host:port (or CK_SERVER) names another.';
	}
	if (status === 'DEADLINE_EXCEEDED') return '--timeout gives it longer.';
	return adviceByCode[codeName];
}
