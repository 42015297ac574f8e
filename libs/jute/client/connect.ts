/** The handshake: the first frame in each direction, the only one without a header. */
import type { JuteReader, JuteWriter } from '../codec.ts';
import type { SessionId, Zxid } from '../scalars.ts';

export interface ConnectRequest {
	readonly protocolVersion: number;
	/** A client that has seen more than the server is sent away (semantics 61). Clamped: see readClampedLong. */
	readonly lastZxidSeen: number;
	readonly timeoutMs: number;
	/** 0n asks for a new session. */
	readonly sessionId: SessionId;
	readonly password: Uint8Array | null;
	/** Undefined from clients before 3.4, which do not send it and do not expect it in the answer. */
	readonly readOnly: boolean | undefined;
}

export interface ConnectResponse {
	readonly protocolVersion: number;
	/** 0 when the session is refused (semantics 60). */
	readonly timeoutMs: number;
	readonly sessionId: SessionId;
	readonly password: Uint8Array | null;
	/** Whether the server is read-only; undefined for a client that did not send the flag. */
	readonly readOnly: boolean | undefined;
}

export function readConnectRequest(reader: JuteReader): ConnectRequest {
	return {
		protocolVersion: reader.readInt(),
		lastZxidSeen: reader.readClampedLong(),
		timeoutMs: reader.readInt(),
		sessionId: reader.readSessionId(),
		password: reader.readBuffer(),
		readOnly: reader.remaining > 0 ? reader.readBool() : undefined,
	};
}

export function writeConnectRequest(writer: JuteWriter, request: ConnectRequest): void {
	writer.writeInt(request.protocolVersion);
	writer.writeZxid(request.lastZxidSeen as Zxid);
	writer.writeInt(request.timeoutMs);
	writer.writeSessionId(request.sessionId);
	writer.writeBuffer(request.password);
	if (request.readOnly !== undefined) writer.writeBool(request.readOnly);
}

export function readConnectResponse(reader: JuteReader): ConnectResponse {
	return {
		protocolVersion: reader.readInt(),
		timeoutMs: reader.readInt(),
		sessionId: reader.readSessionId(),
		password: reader.readBuffer(),
		readOnly: reader.remaining > 0 ? reader.readBool() : undefined,
	};
}

export function writeConnectResponse(writer: JuteWriter, response: ConnectResponse): void {
	writer.writeInt(response.protocolVersion);
	writer.writeInt(response.timeoutMs);
	writer.writeSessionId(response.sessionId);
	writer.writeBuffer(response.password);
	if (response.readOnly !== undefined) writer.writeBool(response.readOnly);
}
