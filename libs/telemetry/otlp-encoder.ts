/**
 * ExportTraceServiceRequest of OTLP in protobuf (opentelemetry-proto, trace.proto), span by span straight into one buffer: nothing of a span is kept. OpenTelemetry's own exporter makes several
 * objects of each span first, which costs more than all that the chain does for the request.
 */
import type { Span } from './span.ts';

export interface Resource {
	/** `service.name` and the like. */
	readonly attributes: Readonly<Record<string, string>>;
	readonly scope: { readonly name: string; readonly version: string };
}

const utf8 = new TextEncoder();
/** Kinds and codes of trace.proto. */
const kind = { internal: 1, server: 2 } as const;
const statusError = 2;
/** A span without its attributes, and each of these without its texts: enough for what has a fixed length. */
const spanRoom = 256;
const attributeRoom = 32;
/** UTF-8 of one UTF-16 unit. */
const mostPerUnit = 3;
/** What a length takes that has one byte. */
const shortLength = 0x80;
const maxUint32 = 2 ** 32;
/** What performance.now() counts from, in nanoseconds since 1970: more than a double has, so in two halves. */
const originNs = BigInt(Math.round(performance.timeOrigin * 1000)) * 1000n;
const originHigh = Number(originNs / BigInt(maxUint32));
const originLow = Number(originNs % BigInt(maxUint32));

export class OtlpEncoder {
	/** Spans since the last take(). */
	spans = 0;
	readonly #head: Uint8Array;
	readonly #scope: Uint8Array;
	readonly #names = new Map<string, Uint8Array>();
	#bytes = new Uint8Array(1 << 16);
	/** The same bytes. */
	#view = new DataView(this.#bytes.buffer);
	#buffer = Buffer.from(this.#bytes.buffer);
	#at = 0;

	constructor({ attributes, scope }: Resource) {
		this.#head = this.#part(() => {
			for (const [name, value] of Object.entries(attributes)) this.#attribute(0x0a, name, value);
		});
		this.#scope = this.#part(() => {
			this.#text(0x0a, scope.name);
			this.#text(0x12, scope.version);
		});
	}

	/** Of the spans since the last take(). */
	get bytes(): number {
		return this.#at;
	}

	/** A request with the spans since the last call. */
	take(): Uint8Array {
		const body = this.#bytes.subarray(0, this.#at);
		const scopeBytes = this.#scope.length + body.length;
		const resourceBytes = this.#head.length + 1 + varintLength(scopeBytes) + scopeBytes;
		const request = new Uint8Array(1 + varintLength(resourceBytes) + resourceBytes);
		let at = writeVarint(request, 0, 0x0a);
		at = writeVarint(request, at, resourceBytes);
		request.set(this.#head, at);
		at = writeVarint(request, at + this.#head.length, 0x12);
		at = writeVarint(request, at, scopeBytes);
		request.set(this.#scope, at);
		request.set(body, at + this.#scope.length);
		this.#at = 0;
		this.spans = 0;
		return request;
	}

	add(span: Span): void {
		this.#ensure(spanRoom + (span.name.length + span.traceState.length) * mostPerUnit);
		const lengthAt = this.#begin(0x12);
		this.#id(0x0a, span.traceId);
		this.#id(0x12, span.spanId);
		if (span.traceState !== '') this.#text(0x1a, span.traceState);
		if (span.parentSpanId !== '') this.#id(0x22, span.parentSpanId);
		this.#text(0x2a, span.name);
		this.#bytes[this.#at++] = 0x30;
		this.#bytes[this.#at++] = span.isServer ? kind.server : kind.internal;
		this.#time(0x39, span.startMs);
		this.#time(0x41, span.endMs);
		const { attributes, link } = span;
		for (let i = 0; i < attributes.length; i += 2) this.#attribute(0x4a, attributes[i] as string, attributes[i + 1]!);
		if (link !== undefined) this.#link(link);
		if (span.isError) this.#error();
		this.#end(lengthAt);
		this.spans += 1;
	}

	#link(link: NonNullable<Span['link']>): void {
		const lengthAt = this.#begin(0x6a);
		this.#id(0x0a, link.traceId);
		this.#id(0x12, link.spanId);
		this.#end(lengthAt);
	}

	#error(): void {
		const lengthAt = this.#begin(0x7a);
		this.#bytes[this.#at++] = 0x18;
		this.#bytes[this.#at++] = statusError;
		this.#end(lengthAt);
	}

	/** KeyValue with an AnyValue. */
	#attribute(tag: number, name: string, value: string | number): void {
		const isText = typeof value === 'string';
		this.#ensure(spanRoom + attributeRoom + (name.length + (isText ? value.length : 0)) * mostPerUnit);
		const lengthAt = this.#begin(tag);
		this.#raw(this.#nameField(name));
		const valueAt = this.#begin(0x12);
		if (isText) {
			this.#text(0x0a, value);
		} else {
			this.#bytes[this.#at++] = 0x18;
			this.#at = writeInt64(this.#bytes, this.#at, value);
		}
		this.#end(valueAt);
		this.#end(lengthAt);
	}

	/** So few bytes that a call would take longer. There must be room. */
	#raw(from: Uint8Array): void {
		const bytes = this.#bytes;
		const at = this.#at;
		for (let i = 0; i < from.length; i++) bytes[at + i] = from[i]!;
		this.#at = at + from.length;
	}

	/** The name of an attribute as it stands in each: there are few of them. */
	#nameField(name: string): Uint8Array {
		let field = this.#names.get(name);
		if (field === undefined) {
			const bytes = utf8.encode(name);
			const head = new Uint8Array(1 + varintLength(bytes.length));
			writeVarint(head, writeVarint(head, 0, 0x0a), bytes.length);
			field = Uint8Array.from([...head, ...bytes]);
			this.#names.set(name, field);
		}
		return field;
	}

	/** @returns where its length will be: one byte is left for it */
	#begin(tag: number): number {
		this.#bytes[this.#at++] = tag;
		return this.#at++;
	}

	/** What follows the length moves when that takes more than a byte. There must be room. */
	#end(lengthAt: number): void {
		const length = this.#at - lengthAt - 1;
		if (length < shortLength) {
			this.#bytes[lengthAt] = length;
			return;
		}
		const more = varintLength(length) - 1;
		this.#bytes.copyWithin(lengthAt + 1 + more, lengthAt + 1, this.#at);
		this.#at += more;
		writeVarint(this.#bytes, lengthAt, length);
	}

	/** There must be room. */
	#text(tag: number, text: string): void {
		const lengthAt = this.#begin(tag);
		const start = this.#at;
		const bytes = this.#bytes;
		let at = start;
		for (let i = 0; i < text.length; i++) {
			const unit = text.charCodeAt(i);
			if (unit >= 0x80) {
				at = start + utf8.encodeInto(text, bytes.subarray(start)).written;
				break;
			}
			bytes[at++] = unit;
		}
		this.#at = at;
		this.#end(lengthAt);
	}

	/** Hexadecimal digits as bytes. Node reads a slice of a longer text faster than charCodeAt() does. */
	#id(tag: number, digits: string): void {
		const length = digits.length >> 1;
		const at = this.#at;
		this.#bytes[at] = tag;
		this.#bytes[at + 1] = length;
		this.#buffer.write(digits, at + 2, length, 'hex');
		this.#at = at + 2 + length;
	}

	/** Nanoseconds since 1970. */
	#time(tag: number, ms: number): void {
		const since = Math.round(ms * 1e6);
		const carried = Math.floor(since / maxUint32);
		const low = originLow + (since - carried * maxUint32);
		const carry = low >= maxUint32 ? 1 : 0;
		const at = this.#at;
		this.#bytes[at] = tag;
		this.#view.setUint32(at + 1, low - carry * maxUint32, true);
		this.#view.setUint32(at + 5, originHigh + carried + carry, true);
		this.#at = at + 9;
	}

	/** A message that stands in front of all spans, in its field 1. */
	#part(write: () => void): Uint8Array {
		this.#at = 0;
		const lengthAt = this.#begin(0x0a);
		write();
		this.#end(lengthAt);
		const part = this.#bytes.slice(0, this.#at);
		this.#at = 0;
		return part;
	}

	#ensure(more: number): void {
		if (this.#at + more <= this.#bytes.length) return;
		const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + more));
		larger.set(this.#bytes.subarray(0, this.#at));
		this.#bytes = larger;
		this.#view = new DataView(larger.buffer);
		this.#buffer = Buffer.from(larger.buffer);
	}
}

function varintLength(value: number): number {
	let length = 1;
	for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
	return length;
}

/** @returns the position behind it */
function writeVarint(bytes: Uint8Array, at: number, value: number): number {
	let position = at;
	let rest = value;
	while (rest >= 0x80) {
		bytes[position++] = (rest % 0x80) | 0x80;
		rest = Math.floor(rest / 0x80);
	}
	bytes[position++] = rest;
	return position;
}

/** Negative ones take ten bytes. */
function writeInt64(bytes: Uint8Array, at: number, value: number): number {
	if (value >= 0) return writeVarint(bytes, at, value);
	let position = at;
	let rest = BigInt.asUintN(64, BigInt(value));
	while (rest >= 0x80n) {
		bytes[position++] = Number(rest & 0x7fn) | 0x80;
		rest >>= 7n;
	}
	bytes[position++] = Number(rest);
	return position;
}
