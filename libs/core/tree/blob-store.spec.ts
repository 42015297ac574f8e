import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BlobReader, BlobStore, emptyBlob } from './blob-store.ts';
import { Freezes } from './freezes.ts';

const length = fc.oneof(
	fc.integer({ min: 1, max: 300 }),
	fc.constantFrom(1, 8, 9, 128, 129, 144, 145, 256, 257, 32_767, 32_768, 32_769, 100_000),
	fc.integer({ min: 1, max: 40_000 }),
);
type Step =
	| { readonly do: 'store'; readonly length: number }
	| { readonly do: 'free'; readonly which: number }
	| { readonly do: 'freeze' }
	| { readonly do: 'release'; readonly which: number };
const step: fc.Arbitrary<Step> = fc.oneof(
	{ weight: 6, arbitrary: fc.record({ do: fc.constant('store' as const), length }) },
	{ weight: 5, arbitrary: fc.record({ do: fc.constant('free' as const), which: fc.nat() }) },
	{ weight: 1, arbitrary: fc.record({ do: fc.constant('freeze' as const) }) },
	{ weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat() }) },
);
interface Blob {
	readonly ref: number;
	readonly bytes: Uint8Array;
}

function expectUnharmed(reader: BlobReader, blobs: readonly Blob[]): void {
	for (const { ref, bytes } of blobs) {
		if (Buffer.compare(reader.view(ref, bytes.length)!, bytes) !== 0)
			expect.fail(`blob ${ref} of ${bytes.length} bytes`);
	}
}

it('keeps every blob unharmed, and those of a freeze until it is released', () => {
	fc.assert(
		fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
			const freezes = new Freezes();
			const store = new BlobStore(freezes);
			let live: Blob[] = [];
			const open: { readonly epoch: number; readonly reader: BlobReader; readonly blobs: readonly Blob[] }[] = [];
			let stored = 0;
			for (const each of steps) {
				if (each.do === 'store') {
					stored += 1;
					const bytes = new Uint8Array(each.length).fill(stored);
					live.push({ ref: store.store(bytes), bytes });
				} else if (each.do === 'free' && live.length > 0) {
					const gone = live[each.which % live.length]!;
					live = live.filter((blob) => blob !== gone);
					store.free(gone.ref);
				} else if (each.do === 'freeze' && open.length < 2) {
					open.push({ epoch: freezes.open(), reader: new BlobReader(store.snapshot()), blobs: live.slice() });
				} else if (each.do === 'release' && open.length > 0) {
					const [{ epoch, reader, blobs }] = open.splice(each.which % open.length, 1) as [(typeof open)[0]];
					expectUnharmed(reader, blobs);
					store.released(epoch, freezes.close(epoch));
				}
				for (const { reader, blobs } of open) expectUnharmed(reader, blobs);
			}
			expectUnharmed(store, live);
		}),
	);
});

it('uses memory of freed blobs again, at once without a freeze and after its release with one', () => {
	const freezes = new Freezes();
	const store = new BlobStore(freezes);
	const first = store.store(new Uint8Array(100));
	store.free(first);
	expect(store.store(new Uint8Array(101))).toBe(first);
	const epoch = freezes.open();
	store.free(first);
	const second = store.store(new Uint8Array(100));
	expect(second).not.toBe(first);
	store.released(epoch, freezes.close(epoch));
	expect(store.store(new Uint8Array(100))).toBe(first);
	expect(store.store(new Uint8Array(0))).toBe(emptyBlob);
});

it('takes freed blobs of a class back by the thousand', () => {
	const freezes = new Freezes();
	const store = new BlobStore(freezes);
	const refs = Array.from({ length: 10_000 }, () => store.store(new Uint8Array(24)));
	for (const ref of refs.slice(0, 100)) store.free(ref);
	const epoch = freezes.open();
	for (const ref of refs.slice(100)) store.free(ref);
	store.released(epoch, freezes.close(epoch));
	const again = Array.from({ length: 10_000 }, () => store.store(new Uint8Array(24)));
	expect(new Set(again)).toEqual(new Set(refs));
});

it('stores bytes of any place in any memory as they are', () => {
	const store = new BlobStore(new Freezes());
	const memory = new Uint8Array(120_000).map((_, i) => (i * 7919 + (i >> 8)) & 0xff);
	fc.assert(
		fc.property(fc.nat(20), length, (start, count) => {
			const bytes = memory.subarray(start, start + count);
			expectUnharmed(store, [{ ref: store.store(bytes), bytes }]);
		}),
	);
});
