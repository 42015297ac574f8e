/** How a client connects. */
import type { TlsOptions } from './channel-security.ts';
import type { BackOff } from './endpoints.ts';

/** What an identity is proved with. */
export interface Credentials {
	/** `digest`, or another scheme that the server knows. */
	readonly scheme: string;
	/** For `digest`: `user:password`. */
	readonly credentials: Uint8Array | string;
}

/** How the client tries again, and what it keeps meanwhile. */
export interface RetryOptions extends BackOff {
	/** Operations that wait while no server is connected; those beyond it fail with a ConnectionLossError. 10,000 when absent. */
	readonly mostWaitingOperations?: number | undefined;
	/** What their data take, likewise. 64 MiB when absent. */
	readonly mostWaitingBytes?: number | undefined;
}

export interface ConnectOptions {
	/** `host:port` each, a list or separated by commas. They are tried in random order. */
	readonly endpoints: string | readonly string[];
	/** How long the session survives silence, milliseconds; the server brings it into its bounds. 30,000 when absent. */
	readonly sessionTimeoutMs?: number | undefined;
	/** How long connect() tries before it fails, milliseconds. 10,000 when absent. */
	readonly connectTimeoutMs?: number | undefined;
	/** Of operations that have none of their own, milliseconds. Absent: they wait as long as the session lives. */
	readonly operationTimeoutMs?: number | undefined;
	/** Identities that the session gets, on every replica. */
	readonly auth?: readonly Credentials[] | undefined;
	/** A bearer token (JWT), or what gives one that is good now. */
	readonly token?: string | (() => string) | undefined;
	/** Without it connections are plaintext. `{}`: with the authorities that Node knows. */
	readonly tls?: TlsOptions | undefined;
	/** Every path is below this one, which is left out of paths in results, events and errors: `/app`. */
	readonly chroot?: string | undefined;
	readonly retry?: RetryOptions | undefined;
}
