/** The shell's session: opened when it is needed, waited for while its stream is being made again, followed by another one when it has expired. */
import { ChronokeeperClient, type NodeEvent, type Session, type SessionEvent } from '#client/client';
import { Failure } from '../failure.ts';
import { startAdvice } from '../server-connection.ts';
import { GrpcOperations } from './grpc-operations.ts';

export interface ConnectionOptions {
	/** How an address becomes a client. */
	readonly connect: (address: string) => ChronokeeperClient;
	/** How long a session survives silence. */
	readonly sessionTimeoutMs: number;
	/** How long a command waits for a stream. */
	readonly patienceMs: number;
	/** What has become of the session, a sentence. */
	readonly onNotice: (text: string) => void;
	readonly onNodeEvent: (event: NodeEvent) => void;
}

interface Identity {
	readonly scheme: string;
	readonly auth: Uint8Array | null;
}

export class Connection {
	readonly #options: ConnectionOptions;
	#address: string;
	#client: ChronokeeperClient;
	#session: Session | undefined;
	#opening: Promise<Session> | undefined;
	/** Given by addauth: another session gets them too. */
	#identities: Identity[] = [];
	/** Wait for the stream. */
	#waiting: (() => void)[] = [];

	constructor(address: string, options: ConnectionOptions) {
		this.#options = options;
		this.#address = address;
		this.#client = options.connect(address);
	}

	get address(): string {
		return this.#address;
	}

	/** As zkCli's prompt says it. */
	get state(): 'CONNECTED' | 'CONNECTING' | 'CLOSED' {
		if (this.#session?.state === 'attached') return 'CONNECTED';
		return this.#opening !== undefined || this.#session?.state === 'detached' ? 'CONNECTING' : 'CLOSED';
	}

	/** @throws ClientError when there can be no session; Failure when its server does not come back in time */
	async operations(): Promise<GrpcOperations> {
		if (this.#session?.state === 'detached') await this.#reattached();
		const session = this.#session === undefined || this.#session.isOver ? await this.#open() : this.#session;
		return new GrpcOperations(this.#client, session, (scheme, auth) => this.#identities.push({ scheme, auth }));
	}

	/** Another session, at the same replica when none is named. */
	async connect(address = this.#address): Promise<void> {
		await this.close();
		if (address !== this.#address) {
			this.#client.close();
			this.#client = this.#options.connect(address);
			this.#address = address;
		}
		await this.#open();
	}

	/** Ends the session. The identities are forgotten with it. */
	async close(): Promise<void> {
		this.#identities = [];
		await this.#session?.close();
	}

	async end(): Promise<void> {
		await this.close();
		this.#client.close();
	}

	#open(): Promise<Session> {
		this.#opening ??= this.#openSession().finally(() => {
			this.#opening = undefined;
		});
		return this.#opening;
	}

	async #openSession(): Promise<Session> {
		const session = await this.#client.openSession({
			timeoutMs: this.#options.sessionTimeoutMs,
			onEvent: (event) => this.#told(event),
		});
		this.#session = session;
		const id = `0x${session.id.toString(16)}`;
		this.#options.onNotice(`session ${id} at ${this.#address}, timeout ${session.timeoutMs} ms`);
		for (const { scheme, auth } of this.#identities) await session.authenticate(scheme, auth ?? new Uint8Array(0));
		return session;
	}

	#told(event: SessionEvent): void {
		const { onNotice, onNodeEvent } = this.#options;
		switch (event.kind) {
			case 'node':
				onNodeEvent(event.event);
				return;
			case 'detached':
				onNotice(`the connection to ${this.#address} is lost (${event.reason}); trying again`);
				return;
			case 'attached':
				onNotice(`connected to ${this.#address} again, in the same session`);
				this.#wake();
				return;
			case 'expired':
				onNotice('the session has expired: its ephemeral nodes and watches are gone; a new one is opened');
				this.#wake();
				// When that fails, the next command says so.
				this.#open().catch(() => {});
				return;
			default:
				event satisfies never;
		}
	}

	#wake(): void {
		for (const resolve of this.#waiting.splice(0)) resolve();
	}

	async #reattached(): Promise<void> {
		let timer: NodeJS.Timeout | undefined;
		const inTime = await Promise.race([
			new Promise<true>((resolve) => this.#waiting.push(() => resolve(true))),
			new Promise<false>((resolve) => {
				timer = setTimeout(() => resolve(false), this.#options.patienceMs);
			}),
		]);
		clearTimeout(timer);
		if (!inTime) throw new Failure(`${this.#address} cannot be reached; the session waits for it`, startAdvice);
	}
}
