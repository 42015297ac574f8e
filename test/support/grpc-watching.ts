/** A client of WatchService that remembers what it was told. */
import { type ClientReadableStream, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
	type WatchEvent,
	WatchEventType,
	type WatchKind,
	type WatchRequest_Target,
	type WatchResponse,
	type WatchServiceClient,
} from '#proto/chronokeeper/v1/watch';

export interface WatchingOptions {
	readonly withData?: boolean;
	readonly afterZxid?: bigint;
	/** `user:password`. */
	readonly auth?: string;
}

const names = Object.fromEntries(
	Object.entries(WatchEventType).map(([name, value]) => [value, name.replace('WATCH_EVENT_TYPE_', '')]),
);

/** `NODE_CREATED /a`. */
export function eventText({ type, path }: WatchEvent): string {
	return `${names[type]} ${path}`;
}

export class Watching {
	readonly messages: WatchResponse[] = [];
	readonly events: WatchEvent[] = [];
	/** Of the first message; rejected when there is none. */
	readonly opened: Promise<bigint>;
	/** How it ended. */
	readonly ended: Promise<{ readonly code: status; readonly details: string; readonly metadata?: Metadata }>;
	readonly call: ClientReadableStream<WatchResponse>;

	constructor(
		client: WatchServiceClient,
		targets: readonly (readonly [path: string, kind: WatchKind])[],
		options: WatchingOptions = {},
	) {
		const { withData = false, afterZxid, auth } = options;
		const metadata = new Metadata();
		if (auth !== undefined) metadata.set('authorization', `Basic ${Buffer.from(auth).toString('base64')}`);
		const request = {
			targets: targets.map(([path, kind]): WatchRequest_Target => ({ path, kind })),
			withData,
			afterZxid,
		};
		const call = client.watch(request, metadata);
		this.call = call;
		this.opened = new Promise((resolve, reject) => {
			call.once('data', ({ zxid }: WatchResponse) => resolve(zxid));
			call.once('error', reject);
		});
		this.opened.catch(() => undefined); // Who asks is told.
		this.ended = new Promise((resolve) => {
			call.once('error', (error: ServiceError) => resolve(error));
			call.once('end', () => resolve({ code: status.OK, details: '' }));
		});
		call.on('data', (message: WatchResponse) => {
			this.messages.push(message);
			for (const event of message.events) this.events.push(event);
		});
	}

	/** What came since the last call. */
	heard(): string[] {
		return this.events.splice(0).map(eventText);
	}

	close(): void {
		this.call.on('error', () => undefined);
		this.call.cancel();
	}
}
