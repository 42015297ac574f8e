import { expect, it } from 'vitest';
import { RequestWindow } from './request-window.ts';

it('is wide while nodes and answers are small', () => {
	const window = new RequestWindow();
	expect(window.size(0)).toBe(1000);
	window.replied(10_000);
	expect(window.size(60_000)).toBe(1000);
});

it('is narrow from the first request on where a large node could be asked for', () => {
	const window = new RequestWindow();
	expect(window.size(1 << 20)).toBe(64);
	expect(window.size(1 << 30)).toBe(4);
});

it('narrows with the first large answer, and widens again with small ones', () => {
	const window = new RequestWindow();
	window.replied(1 << 20);
	expect(window.size(100)).toBe(16);
	for (let i = 0; i < 50; i++) window.replied(100);
	expect(window.size(100)).toBeGreaterThan(30);
	for (let i = 0; i < 500; i++) window.replied(100);
	expect(window.size(100)).toBe(1000);
});
