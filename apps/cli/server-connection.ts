/** The commands that talk to a running replica: its address, the connection, and its errors in words. */
import { readFileSync } from 'node:fs';
import type { ChronokeeperClient, ClientOptions } from '#client/client';
import type { ClientError } from '#client/client-error';
import { Failure, UsageFailure } from './failure.ts';
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
	const client = new ChronokeeperClient(clientOptions(options));
	try {
		return await use(client);
	} catch (error) {
		throw error instanceof ClientError ? explained(error) : error;
	} finally {
		client.close();
	}
}

export function clientOptions(options: ServerOptions): ClientOptions {
	const { auth, token } = options;
	if (auth !== undefined && token !== undefined) {
		throw new UsageFailure('--auth (CK_AUTH) and --token (CK_TOKEN) cannot go together: say who you are in one way');
	}
	return { address: options.server, auth, token, tls: tlsOptions(options), timeoutMs: options.timeout * 1000 };
}

/** Undefined: plaintext. */
function tlsOptions({ tls = false, tlsCa, tlsCert, tlsKey }: ServerOptions): ClientOptions['tls'] {
	if ((tlsCert === undefined) !== (tlsKey === undefined)) {
		throw new UsageFailure('--tls-cert (CK_TLS_CERT) and --tls-key (CK_TLS_KEY) go together');
	}
	if (!tls && tlsCa === undefined && tlsCert === undefined) return undefined;
	return { ca: pem('--tls-ca', tlsCa), cert: pem('--tls-cert', tlsCert), key: pem('--tls-key', tlsKey) };
}

function pem(option: string, file: string | undefined): string | undefined {
	if (file === undefined || file === '') return undefined;
	try {
		return readFileSync(file, 'utf8');
	} catch (error) {
		throw new Failure(`the file of ${option} cannot be read: ${(error as Error).message}`);
	}
}

/** What went wrong in words, and what to do about it. */
export function explained({ message, codeName, status, advice }: ClientError): Failure {
	const text = codeName === '' || message.includes(codeName) ? message : `${message} (${codeName})`;
	return new Failure(text, adviceFor(status, codeName, message) ?? (advice === '' ? undefined : advice));
}

const adviceByCode: Readonly<Record<string, string>> = {
	BadVersion: 'Somebody changed it meanwhile: `ck stat PATH` shows the version it has now.',
	NotEmpty: 'Delete what is below it first, or everything at once with `ck delete --recursive PATH`.',
	NodeExists: '`ck set PATH DATA` replaces its data.',
	NoAuth: 'Say who you are with --auth user:password (or CK_AUTH).',
	AuthFailed: 'See whether --auth (CK_AUTH) or --token (CK_TOKEN) is right.',
};

export const startAdvice =
	'Is the server running? `npm start` (or `ck server`) starts one; --server host:port (or CK_SERVER) names another.';

const tlsAdvice =
	'--tls-ca FILE (or CK_TLS_CA) says whose certificates are good, --tls-cert and --tls-key show your own; without any of them, and without --tls, there is no TLS.';

function adviceFor(status: string, codeName: string, message: string): string | undefined {
	if (message.startsWith('cannot reach ')) return /TLS/.test(message) ? tlsAdvice : startAdvice;
	if (status === 'DEADLINE_EXCEEDED') return '--timeout gives it longer.';
	return adviceByCode[codeName];
}
