/** ASN.1 in DER, as much as names and certificates need. */

export function der(tag: number, ...contents: readonly Buffer[]): Buffer {
	const content = Buffer.concat(contents);
	const { length } = content;
	const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
	return Buffer.concat([Buffer.from([tag, ...(length < 0x80 ? [length] : long)]), content]);
}

export function sequence(...contents: readonly Buffer[]): Buffer {
	return der(0x30, ...contents);
}

export function set(...contents: readonly Buffer[]): Buffer {
	return der(0x31, ...contents);
}

/** `2.5.4.3` */
export function oid(text: string): Buffer {
	const [first, second, ...rest] = text.split('.').map(Number) as [number, number, ...number[]];
	const bytes = [first * 40 + second, ...rest].flatMap((number) => {
		const groups = [number & 0x7f];
		for (let left = number >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
		return groups;
	});
	return der(0x06, Buffer.from(bytes));
}

export function utf8String(text: string): Buffer {
	return der(0x0c, Buffer.from(text));
}
