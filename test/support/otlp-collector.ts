/** A collector of traces: what OpenTelemetry's exporters send over HTTP as protobuf, read as opentelemetry-proto's trace.proto says. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BinaryReader } from '@bufbuild/protobuf/wire';

export interface CollectedSpan {
	/** Hexadecimal, as in a traceparent. */
	readonly traceId: string;
	readonly spanId: string;
	/** Empty for the first of a trace. */
	readonly parentSpanId: string;
	readonly name: string;
	/** Nanoseconds since 1970. */
	readonly start: bigint;
	readonly end: bigint;
	/** Texts, and numbers as texts. */
	readonly attributes: ReadonlyMap<string, string>;
	/** As it came. */
	readonly traceState: string;
	/** The spans it is linked to. */
	readonly links: readonly string[];
	/** Whether its status says that it failed. */
	readonly isError: boolean;
	/** Of the process that made it. */
	readonly resource: ReadonlyMap<string, string>;
}

export class OtlpCollector {
	readonly spans: CollectedSpan[] = [];
	/** Of the last request. */
	headers: IncomingHttpHeaders = {};
	readonly #server: Server;

	private constructor() {
		this.#server = createServer((request, response) => {
			this.headers = request.headers;
			void bodyOf(request).then((body) => {
				if (request.url === '/v1/traces') this.spans.push(...spansOf(body));
				response.end();
			});
		});
	}

	static async start(): Promise<OtlpCollector> {
		const collector = new OtlpCollector();
		await new Promise<void>((resolve) => collector.#server.listen(0, '127.0.0.1', resolve));
		return collector;
	}

	/** What `CK_OTEL_ENDPOINT` is to be. */
	get endpoint(): string {
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
	}

	ofTrace(traceId: string): CollectedSpan[] {
		return this.spans.filter((span) => span.traceId === traceId);
	}

	async close(): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise((resolve) => this.#server.close(resolve));
	}
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks);
}

/** Of an ExportTraceServiceRequest. */
export function spansOf(request: Uint8Array): CollectedSpan[] {
	return submessages(request, 1).flatMap((resourceSpans) => {
		const resource = attributesOf(submessages(resourceSpans, 1)[0] ?? new Uint8Array(), 1);
		const scopes = submessages(resourceSpans, 2);
		return scopes.flatMap((scope) => submessages(scope, 2).map((span) => spanOf(span, resource)));
	});
}

function spanOf(bytes: Uint8Array, resource: ReadonlyMap<string, string>): CollectedSpan {
	const hex = (field: number) => Buffer.from(submessages(bytes, field)[0] ?? []).toString('hex');
	return {
		traceId: hex(1),
		spanId: hex(2),
		parentSpanId: hex(4),
		name: Buffer.from(submessages(bytes, 5)[0] ?? []).toString('utf8'),
		start: timeOf(bytes, 7),
		end: timeOf(bytes, 8),
		attributes: attributesOf(bytes, 9),
		traceState: Buffer.from(submessages(bytes, 3)[0] ?? []).toString('utf8'),
		links: submessages(bytes, 13).map((link) => Buffer.from(submessages(link, 2)[0] ?? []).toString('hex')),
		isError: varintOf(submessages(bytes, 15)[0] ?? new Uint8Array(), 3) === 2n,
		resource,
	};
}

/** Of KeyValue: texts and whole numbers. */
function attributesOf(bytes: Uint8Array, field: number): Map<string, string> {
	return new Map(
		submessages(bytes, field).map((entry): [string, string] => {
			const key = Buffer.from(submessages(entry, 1)[0] ?? []).toString('utf8');
			const value = submessages(entry, 2)[0] ?? new Uint8Array();
			const text = submessages(value, 1)[0];
			return [key, text === undefined ? String(varintOf(value, 3)) : Buffer.from(text).toString('utf8')];
		}),
	);
}

/** All fields of this number that have a length: messages, texts and bytes. */
function submessages(bytes: Uint8Array, field: number): Uint8Array[] {
	const found: Uint8Array[] = [];
	const reader = new BinaryReader(bytes);
	while (reader.pos < reader.len) {
		const [number, wireType] = reader.tag();
		if (number === field && wireType === 2) found.push(reader.bytes());
		else reader.skip(wireType, number);
	}
	return found;
}

/** 0 when it is not there. */
function varintOf(bytes: Uint8Array, field: number): bigint {
	const reader = new BinaryReader(bytes);
	while (reader.pos < reader.len) {
		const [number, wireType] = reader.tag();
		if (number === field && wireType === 0) return BigInt(reader.int64());
		reader.skip(wireType, number);
	}
	return 0n;
}

function timeOf(bytes: Uint8Array, field: number): bigint {
	const reader = new BinaryReader(bytes);
	while (reader.pos < reader.len) {
		const [number, wireType] = reader.tag();
		if (number === field && wireType === 1) return BigInt(reader.fixed64());
		reader.skip(wireType, number);
	}
	return 0n;
}
