/** Numbers as Java reads them: a sign, digits, no spaces, and nothing beyond the type's range. */
import { Fatal } from './failures.ts';

const intRange = [-(2n ** 31n), 2n ** 31n - 1n] as const;
const longRange = [-(2n ** 63n), 2n ** 63n - 1n] as const;

/** Undefined when the text is not a 32-bit number. */
export function readInt(text: string): number | undefined {
	const value = readDigits(text, 10, intRange);
	return value === undefined ? undefined : Number(value);
}

/** Undefined when the text is not a 64-bit number. */
export function readLong(text: string, radix: 10 | 16 = 10): bigint | undefined {
	return readDigits(text, radix, longRange);
}

/** For numbers whose check ZooKeeper's program leaves to Java. @throws Fatal */
export function requireInt(text: string): number {
	const value = readInt(text);
	if (value === undefined) throw notANumber(text);
	return value;
}

/** `Integer.decode`: hexadecimal behind 0x or #, octal behind 0. @throws Fatal */
export function decodeInt(text: string): number {
	const [, sign, prefix, digits] = /^([+-]?)(0[xX]|#|0(?=.))?(.*)$/s.exec(text)!;
	const radix = prefix === undefined ? 10 : prefix === '0' ? 8 : 16;
	const value =
		digits!.startsWith('+') || digits!.startsWith('-') ? undefined : readDigits(sign + digits!, radix, intRange);
	if (value === undefined) throw notANumber(digits!);
	return Number(value);
}

export function numberMessage(text: string): string {
	return `For input string: "${text}"`;
}

function notANumber(text: string): Fatal {
	return new Fatal('java.lang.NumberFormatException', numberMessage(text));
}

function readDigits(text: string, radix: 8 | 10 | 16, [least, most]: readonly [bigint, bigint]): bigint | undefined {
	const [, sign, digits] = /^([+-]?)(.+)$/s.exec(text) ?? [];
	const allowed = radix === 16 ? /^[0-9a-f]+$/i : radix === 8 ? /^[0-7]+$/ : /^[0-9]+$/;
	if (digits === undefined || !allowed.test(digits)) return undefined;
	const magnitude = BigInt(`${radix === 16 ? '0x' : radix === 8 ? '0o' : ''}${digits}`);
	const value = sign === '-' ? -magnitude : magnitude;
	return value < least || value > most ? undefined : value;
}
