/**
 * Spans of the client around operations that are asked for inside a span: the server's are below them. OpenTelemetry's API is used where the program has it and has set it up before
 * connect(); otherwise nothing of it is loaded, and an operation outside a recorded span costs a look at the active one.
 */
import type { Span, SpanContext, TraceAPI } from '@opentelemetry/api';
import { ClientError } from './client-error.ts';
import type { OperationKind } from './operation.ts';

type Api = typeof import('@opentelemetry/api');

/** Where its API keeps what a program has set up. */
const registry = Symbol.for('opentelemetry.js.api.1');

/** Undefined unless OpenTelemetry is set up in this process. */
export async function startTracing(): Promise<Tracing | undefined> {
	if (!(registry in globalThis)) return undefined;
	try {
		return new Tracing(await import('@opentelemetry/api'));
	} catch {
		// Somebody else brought a copy that this package does not find: there is nobody to ask for the active span.
		return undefined;
	}
}

export class Tracing {
	readonly #api: Api;
	readonly #trace: TraceAPI;

	constructor(api: Api) {
		this.#api = api;
		this.#trace = api.trace;
	}

	/** Undefined outside a span that is recorded. */
	begin(kind: OperationKind): OperationSpan | undefined {
		const active = this.#trace.getActiveSpan();
		if (active === undefined || !active.isRecording()) return undefined;
		const { SpanKind, SpanStatusCode } = this.#api;
		const attributes = { 'chronokeeper.op': kind };
		const tracer = this.#trace.getTracer('@chronokeeper/client');
		const span = tracer.startSpan(`chronokeeper ${kind}`, { kind: SpanKind.CLIENT, attributes });
		return new OperationSpan(span, SpanStatusCode.ERROR);
	}
}

export class OperationSpan {
	readonly #span: Span;
	readonly #error: number;

	constructor(span: Span, error: number) {
		this.#span = span;
		this.#error = error;
	}

	get traceparent(): string {
		return traceparentOf(this.#span.spanContext());
	}

	/** Ends it with the operation. */
	around<Result>(operation: Promise<Result>): Promise<Result> {
		operation.then(
			() => this.#span.end(),
			(error: unknown) => {
				if (error instanceof ClientError && error.codeName !== '')
					this.#span.setAttribute('error.type', error.codeName);
				this.#span.setStatus({ code: this.#error, message: error instanceof Error ? error.message : String(error) });
				this.#span.end();
			},
		);
		return operation;
	}
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
	return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}
