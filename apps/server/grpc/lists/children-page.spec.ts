import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPage, childrenPage, type PageRequest } from './children-page.ts';

const wholeList: PageRequest = { path: '/a', prefix: '', pageSize: 0, pageToken: '' };

/** As a client goes through them; `between` is called after each page. */
function pages(
	names: () => readonly string[],
	request: PageRequest,
	between = (_page: readonly string[]) => {},
): string[][] {
	const all: string[][] = [];
	let pageToken = '';
	do {
		checkPage({ ...request, pageToken }, '');
		const page = childrenPage(names(), { ...request, pageToken });
		all.push(page.children);
		pageToken = page.nextPageToken;
		between(page.children);
	} while (pageToken !== '');
	return all;
}

describe('pages of children', () => {
	it('are all the names with the prefix, in order, each on one page, no page but the last smaller than asked for', () => {
		const name = fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom('a', 'b', '雪', '-', '0') });
		fc.assert(
			fc.property(
				fc.uniqueArray(name, { maxLength: 60 }),
				fc.integer({ min: 1, max: 20 }),
				fc.constantFrom('', 'a', 'ab'),
				(names, pageSize, prefix) => {
					const found = pages(() => names, { ...wholeList, pageSize, prefix });
					expect(found.flat()).toEqual(names.filter((each) => each.startsWith(prefix)).sort());
					for (const page of found.slice(0, -1)) expect(page).toHaveLength(pageSize);
					expect(childrenPage(names, { ...wholeList, prefix }).children).toEqual(
						names.filter((each) => each.startsWith(prefix)),
					);
				},
			),
		);
	});

	it('have what is there all the while exactly once, whatever comes and goes between them', () => {
		const kept = Array.from({ length: 100 }, (_, i) => `k${String(i).padStart(3, '0')}`);
		const names = new Set(kept);
		let round = 0;
		const found = pages(
			() => [...names],
			{ ...wholeList, pageSize: 7 },
			(page) => {
				round += 1;
				for (const one of [`a${round}`, `k${String(round * 7).padStart(3, '0')}x`, `z${round}`]) names.add(one);
				for (const one of page) if (!kept.includes(one)) names.delete(one);
			},
		);
		expect(found.flat().filter((one) => kept.includes(one))).toEqual(kept);
	});

	it.each([
		['of another list', { path: '/b' }],
		['of another prefix', { prefix: 'n' }],
		['that was changed', { pageToken: 'AAAAAG4x' }],
		['that is none', { pageToken: '?' }],
		['without a size', { pageSize: 0 }],
	])('a token %s is refused', (_, change) => {
		const { nextPageToken } = childrenPage(['n1', 'n2'], { ...wholeList, pageSize: 1 });
		const next = { ...wholeList, pageSize: 1, pageToken: nextPageToken };
		expect(() => checkPage(next, '')).not.toThrow();
		let error: unknown;
		try {
			checkPage({ ...next, ...change }, 'ops[0].list_children.');
		} catch (thrown) {
			error = thrown;
		}
		expect(error).toMatchObject({
			error: { code: status.INVALID_ARGUMENT, message: expect.stringContaining('page_') },
		});
	});

	it('cost no sort of a long list', () => {
		const names = Array.from({ length: 100_000 }, (_, i) => `n${String((i * 7919) % 100_000).padStart(6, '0')}`);
		const pageTimes = Array.from({ length: 5 }, () => {
			const startMs = performance.now();
			childrenPage(names, { ...wholeList, pageSize: 100 });
			return performance.now() - startMs;
		});
		const startMs = performance.now();
		expect([...names].sort()).toHaveLength(100_000);
		expect(Math.min(...pageTimes)).toBeLessThan((performance.now() - startMs) / 3);
	});
});
