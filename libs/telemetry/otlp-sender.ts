/**
 * Sends spans to a collector by OTLP over HTTP, in batches, in the background. What a collector does not take in time is dropped: a trace is worth less than the memory and the time of those who
 * wait for their writes.
 */
import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import { OtlpEncoder, type Resource } from './otlp-encoder.ts';
import type { Span } from './span.ts';

export interface OtlpSenderOptions {
	/** Without the path. */
	readonly endpoint: string;
	readonly resource: Resource;
	/** Of the environment: `OTEL_EXPORTER_OTLP_HEADERS` has what a collector wants to see, a token for instance. */
	readonly headers: Readonly<Record<string, string>>;
}

/** Spans are encoded so many at a time: one by one, the code for it would have left the processor's caches each time, and it would take twice as long. */
const encodedTogether = 64;
/** Spans that wait, in bytes; more are dropped. */
const mostWaiting = 4 << 20;
const batchSpans = 2048;
/** How long a span waits for others. */
const delayMs = 1000;
const timeoutMs = 5000;
const retryMs = 1000;
const attempts = 3;
/** Worth another attempt (https://opentelemetry.io/docs/specs/otlp/#failures). */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export class OtlpSender {
	/** Spans that there was no room for. */
	dropped = 0;
	readonly #url: URL;
	readonly #headers: Readonly<Record<string, string>>;
	readonly #encoder: OtlpEncoder;
	readonly #agent: Agent;
	/** Not encoded yet. */
	#spans: Span[] = [];
	#timer: NodeJS.Timeout | undefined;
	#sending: Promise<void> | undefined;
	#isClosing = false;

	constructor({ endpoint, resource, headers }: OtlpSenderOptions) {
		this.#url = new URL(`${endpoint.replace(/\/+$/, '')}/v1/traces`);
		this.#headers = headers;
		this.#encoder = new OtlpEncoder(resource);
		const options = { keepAlive: true, maxSockets: 1 };
		this.#agent = this.#url.protocol === 'https:' ? new TlsAgent(options) : new Agent(options);
	}

	add(span: Span): void {
		this.#spans.push(span);
		if (this.#spans.length >= encodedTogether) this.#encode();
		if (this.#encoder.spans >= batchSpans) this.#send();
		else if (this.#timer === undefined && this.#sending === undefined) this.#sendLater();
	}

	/** Resolves when everything was sent, or dropped. */
	async close(): Promise<void> {
		this.#isClosing = true;
		this.#send();
		await this.#sending;
		this.#agent.destroy();
	}

	#send(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		if (this.#sending !== undefined) return;
		this.#encode();
		if (this.#encoder.spans === 0) return;
		this.#sending = this.#sendAll().finally(() => {
			this.#sending = undefined;
		});
	}

	async #sendAll(): Promise<void> {
		// What is less than a batch waits for more of it, except at the end.
		do {
			await this.#deliver(this.#encoder.take());
			this.#encode();
		} while (this.#encoder.spans >= (this.#isClosing ? 1 : batchSpans));
		if (this.#encoder.spans > 0 && this.#timer === undefined) this.#sendLater();
	}

	#sendLater(): void {
		this.#timer = setTimeout(() => this.#send(), delayMs);
		this.#timer.unref();
	}

	#encode(): void {
		for (const span of this.#spans) {
			if (this.#encoder.bytes < mostWaiting) this.#encoder.add(span);
			else this.dropped += 1;
		}
		this.#spans = [];
	}

	async #deliver(body: Uint8Array): Promise<void> {
		for (let attempt = 1; attempt <= attempts; attempt++) {
			const status = await this.#post(body).catch(() => 503);
			if (!passing.has(status) || this.#isClosing) return;
			await new Promise<void>((resolve) => setTimeout(resolve, retryMs).unref());
		}
	}

	/** @returns the status of the answer */
	#post(body: Uint8Array): Promise<number> {
		return new Promise((resolve, reject) => {
			const send = this.#url.protocol === 'https:' ? httpsRequest : httpRequest;
			const headers = {
				...this.#headers,
				'content-type': 'application/x-protobuf',
				'content-length': String(body.length),
			};
			const options = { method: 'POST', agent: this.#agent, headers, timeout: timeoutMs };
			const request = send(this.#url, options, (response) => {
				response.resume();
				response.on('end', () => resolve(response.statusCode ?? 0));
				response.on('error', reject);
			});
			request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
			request.on('error', reject);
			request.end(body);
		});
	}
}

/** `name=value,other=value`, percent-encoded, as OpenTelemetry's environment variables have them. What cannot be read is left out. */
export function headersOf(text: string | undefined): Record<string, string> {
	const headers: Record<string, string> = {};
	for (const entry of (text ?? '').split(',')) {
		const [, name, value] = /^\s*([^\s=]+)\s*=\s*(.*?)\s*$/.exec(entry) ?? [];
		if (name === undefined || value === undefined) continue;
		try {
			headers[name.toLowerCase()] = decodeURIComponent(value);
		} catch (error) {
			if (!(error instanceof URIError)) throw error;
		}
	}
	return headers;
}
