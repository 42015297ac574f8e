/**
 * What comes on a stream of Operate, read where it lies: the answers that come by the thousand are read here, everything else by the generated
 * code. What comes out is what the generated code would make of it.
 */
import type { Stat } from '#proto/chronokeeper/v1/common';
import { OperateResponse_Item } from '#proto/chronokeeper/v1/session';
import type { ReplyResult } from './operation-stream.ts';

type Item = NonNullable<OperateResponse_Item['item']>;

export interface ItemListener {
	reply(id: number, result: ReplyResult | undefined): void;
	item(item: Exclude<Item, { readonly $case: 'reply' }>): void;
	/** Nothing of what follows is wanted. */
	readonly isDone: boolean;
}

const remembered = 8;

export class OperateDecoder {
	#bytes: Buffer = Buffer.alloc(0);
	#at = 0;
	#low = 0;
	#high = 0;
	/** Zxids and times come again and again. */
	readonly #lows = new Uint32Array(remembered);
	readonly #highs = new Uint32Array(remembered);
	readonly #values: bigint[] = new Array<bigint>(remembered).fill(0n);

	/** @throws RangeError when it is no OperateResponse */
	decode(bytes: Buffer, listener: ItemListener): void {
		this.#bytes = bytes;
		this.#at = 0;
		while (this.#at < bytes.length && !listener.isDone) {
			const tag = this.#uint32();
			if (tag !== 0x0a) {
				this.#skip(tag);
				continue;
			}
			const end = this.#end();
			this.#item(end, listener);
			this.#at = end;
		}
		this.#bytes = nothing;
	}

	#item(end: number, listener: ItemListener): void {
		const from = this.#at;
		// One reply and nothing else, as it mostly is.
		if (from < end && this.#bytes[from] === 0x0a) {
			this.#at += 1;
			const replyEnd = this.#end();
			if (replyEnd === end && this.#reply(end, listener)) return;
		}
		const { item } = OperateResponse_Item.decode(this.#bytes.subarray(from, end));
		// Whoever is told may begin to read another message.
		const bytes = this.#bytes;
		if (item?.$case === 'reply') listener.reply(item.value.id, item.value.result);
		else if (item !== undefined) listener.item(item);
		this.#bytes = bytes;
	}

	/** @returns false when it is none of those that are read here */
	#reply(end: number, listener: ItemListener): boolean {
		if (this.#bytes[this.#at] !== 0x08) return false;
		this.#at += 1;
		const id = this.#uint32();
		if (this.#at >= end) return false;
		const tag = this.#bytes[this.#at++];
		const resultEnd = this.#end();
		if (resultEnd !== end) return false;
		let result: ReplyResult;
		switch (tag) {
			case 0x1a:
				result = { $case: 'create', value: this.#created(end) };
				break;
			case 0x22:
				result = { $case: 'get', value: this.#got(end) };
				break;
			case 0x2a:
				result = { $case: 'set', value: this.#statAndZxid(end) };
				break;
			case 0x32:
				result = { $case: 'delete', value: { zxid: this.#statAndZxid(end, 0).zxid } };
				break;
			case 0x3a:
				result = { $case: 'exists', value: this.#statAndZxid(end) };
				break;
			default:
				return false;
		}
		const bytes = this.#bytes;
		listener.reply(id, result);
		this.#bytes = bytes;
		return true;
	}

	#created(end: number): { path: string; stat: Stat | undefined; zxid: bigint } {
		let path = '';
		let stat: Stat | undefined;
		let zxid = 0n;
		while (this.#at < end) {
			const tag = this.#uint32();
			if (tag === 0x0a) {
				const to = this.#end();
				path = this.#bytes.toString('utf8', this.#at, to);
				this.#at = to;
			} else if (tag === 0x12) stat = this.#stat();
			else if (tag === 0x18) zxid = this.#uint64();
			else this.#skip(tag);
		}
		return { path, stat, zxid };
	}

	#got(end: number): { data: Buffer | undefined; stat: Stat | undefined; zxid: bigint } {
		let data: Buffer | undefined;
		let stat: Stat | undefined;
		let zxid = 0n;
		while (this.#at < end) {
			const tag = this.#uint32();
			if (tag === 0x0a) {
				const to = this.#end();
				// A copy: a small one must not keep the whole message.
				data = Buffer.from(this.#bytes.subarray(this.#at, to));
				this.#at = to;
			} else if (tag === 0x12) stat = this.#stat();
			else if (tag === 0x18) zxid = this.#uint64();
			else this.#skip(tag);
		}
		return { data, stat, zxid };
	}

	/** @param zxidTag of what has no Stat: the zxid is the first field then */
	#statAndZxid(end: number, statTag = 0x0a): { stat: Stat | undefined; zxid: bigint } {
		const zxidTag = statTag === 0 ? 0x08 : 0x10;
		let stat: Stat | undefined;
		let zxid = 0n;
		while (this.#at < end) {
			const tag = this.#uint32();
			if (tag === statTag) stat = this.#stat();
			else if (tag === zxidTag) zxid = this.#uint64();
			else this.#skip(tag);
		}
		return { stat, zxid };
	}

	#stat(): Stat {
		const end = this.#end();
		let [czxid, mzxid, pzxid, ctimeMs, mtimeMs, ephemeralOwner] = [0n, 0n, 0n, 0n, 0n, 0n];
		let [version, cversion, aversion, dataLength, numChildren] = [0, 0, 0, 0, 0];
		while (this.#at < end) {
			const tag = this.#uint32();
			switch (tag) {
				case 0x08:
					czxid = this.#uint64();
					break;
				case 0x10:
					mzxid = this.#uint64();
					break;
				case 0x18:
					pzxid = this.#uint64();
					break;
				case 0x20:
					ctimeMs = this.#int64();
					break;
				case 0x28:
					mtimeMs = this.#int64();
					break;
				case 0x30:
					version = this.#uint32() | 0;
					break;
				case 0x38:
					cversion = this.#uint32() | 0;
					break;
				case 0x40:
					aversion = this.#uint32() | 0;
					break;
				case 0x49:
					ephemeralOwner = this.#fixed64();
					break;
				case 0x50:
					dataLength = this.#uint32() | 0;
					break;
				case 0x58:
					numChildren = this.#uint32() | 0;
					break;
				default:
					this.#skip(tag);
			}
		}
		return {
			czxid,
			mzxid,
			pzxid,
			ctimeMs,
			mtimeMs,
			version,
			cversion,
			aversion,
			ephemeralOwner,
			dataLength,
			numChildren,
		};
	}

	/** Where the field ends whose length comes next. */
	#end(): number {
		const length = this.#uint32();
		const end = this.#at + length;
		if (end > this.#bytes.length) throw new RangeError('a field that is longer than its message');
		return end;
	}

	#skip(tag: number): void {
		switch (tag & 7) {
			case 0:
				this.#varint();
				break;
			case 1:
				this.#at += 8;
				break;
			case 2:
				this.#at = this.#end();
				break;
			case 5:
				this.#at += 4;
				break;
			default:
				throw new RangeError(`a field of an unknown kind: ${tag}`);
		}
		if (this.#at > this.#bytes.length) throw new RangeError('a field that is longer than its message');
	}

	#uint32(): number {
		const byte = this.#bytes[this.#at];
		if (byte !== undefined && byte < 0x80) {
			this.#at += 1;
			return byte;
		}
		this.#varint();
		return this.#low;
	}

	#uint64(): bigint {
		this.#varint();
		return this.#wide();
	}

	#int64(): bigint {
		const value = this.#uint64();
		return this.#high < 0x8000_0000 ? value : BigInt.asIntN(64, value);
	}

	#fixed64(): bigint {
		if (this.#at + 8 > this.#bytes.length) throw new RangeError('a field that is longer than its message');
		this.#low = this.#bytes.readUInt32LE(this.#at);
		this.#high = this.#bytes.readUInt32LE(this.#at + 4);
		this.#at += 8;
		return this.#wide();
	}

	#wide(): bigint {
		const [low, high] = [this.#low, this.#high];
		const slot = low % remembered;
		if (this.#lows[slot] === low && this.#highs[slot] === high) return this.#values[slot]!;
		const value = high < 0x20_0000 ? BigInt(high * 0x1_0000_0000 + low) : (BigInt(high) << 32n) | BigInt(low);
		this.#lows[slot] = low;
		this.#highs[slot] = high;
		this.#values[slot] = value;
		return value;
	}

	/** Into low and high. */
	#varint(): void {
		const bytes = this.#bytes;
		let [low, high] = [0, 0];
		for (let shift = 0; shift < 70; shift += 7) {
			const byte = bytes[this.#at++];
			if (byte === undefined) throw new RangeError('a number that is longer than its message');
			const bits = byte & 0x7f;
			if (shift < 28) low |= bits << shift;
			else if (shift === 28) {
				low |= bits << 28;
				high = bits >>> 4;
			} else if (shift < 63) high |= bits << (shift - 32);
			else high |= bits << 31;
			if (byte < 0x80) {
				this.#low = low >>> 0;
				this.#high = high >>> 0;
				return;
			}
		}
		throw new RangeError('a number that is too long');
	}
}

const nothing = Buffer.alloc(0);
