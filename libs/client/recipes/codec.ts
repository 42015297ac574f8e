/** What recipes that keep values in nodes make of the bytes. */
export interface Codec<T> {
	/** @throws when it is no value that can be kept */
	encode(value: T): Uint8Array;
	/** Null, which is not the same as empty, comes as empty. @throws when the bytes are no value */
	decode(data: Uint8Array): T;
}

export const bytesCodec: Codec<Uint8Array> = { encode: (value) => value, decode: (data) => data };

/** UTF-8. Bytes that are none throw, rather than change. */
export const textCodec: Codec<string> = {
	encode: (value) => new TextEncoder().encode(value),
	decode: (data) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data),
};

/**
 * JSON, whose shape `check` vouches for: it returns the value as what it is, or throws. Without it whatever is in the node is believed.
 */
export function jsonCodec<T>(check: (value: unknown) => T = (value) => value as T): Codec<T> {
	return {
		encode: (value) => {
			const text: string | undefined = JSON.stringify(value);
			if (text === undefined) throw new TypeError(`${typeof value} is nothing that JSON has`);
			return textCodec.encode(text);
		},
		decode: (data) => check(JSON.parse(textCodec.decode(data))),
	};
}

/** A whole number as text, as in Kazoo's Counter; no data is 0. */
export const integerCodec: Codec<bigint> = {
	encode: (value) => textCodec.encode(value.toString()),
	decode: (data) => {
		const text = textCodec.decode(data).trim();
		if (!/^[+-]?\d*$/.test(text) || /^[+-]$/.test(text)) throw new TypeError(`${JSON.stringify(text)} is no integer`);
		return BigInt(text);
	},
};
