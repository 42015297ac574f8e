/**
 * Pages of a list of children: in the order of the names (by UTF-16 code units), each page from behind the last name of the one before. Nothing is kept between two pages: a child that is
 * there all the while is on exactly one of them, whatever is created and deleted meanwhile.
 */
import { crc32 } from 'node:zlib';
import type { RpcException } from '@nestjs/microservices';
import { invalidField } from '../grpc-error.ts';

export interface PageRequest {
	readonly path: string;
	/** Only names that begin with it. */
	readonly prefix: string;
	/** 0: all, in no particular order. */
	readonly pageSize: number;
	/** Of the page before; empty for the first. */
	readonly pageToken: string;
}

export interface ChildrenPage {
	readonly children: string[];
	/** Empty when nothing is behind this page. */
	readonly nextPageToken: string;
}

/** @throws RpcException INVALID_ARGUMENT for a token that is none, or another list's */
export function checkPage(request: PageRequest, at: string): void {
	if (request.pageToken === '') return;
	if (request.pageSize === 0) throw invalidField(`${at}page_size`, 'a page_token needs a page_size');
	if (lastNameOf(request) === undefined) throw badToken(at);
}

/** The request has been through checkPage(). */
export function childrenPage(names: readonly string[], request: PageRequest): ChildrenPage {
	const { prefix, pageSize } = request;
	const after = lastNameOf(request) ?? '';
	const wanted = (name: string): boolean => name > after && name.startsWith(prefix);
	if (pageSize === 0) return { children: prefix === '' ? [...names] : names.filter(wanted), nextPageToken: '' };
	// One more than the page has, to know whether there is a next one.
	const first = smallest(names, wanted, pageSize + 1);
	const isLast = first.length <= pageSize;
	const children = isLast ? first : first.slice(0, pageSize);
	return { children, nextPageToken: isLast ? '' : tokenOf(request, children.at(-1)!) };
}

/**
 * The `count` smallest names, sorted. The heap has the largest of those found so far on top: a name that is larger still costs one comparison, so that a page of a long list costs little more
 * than going through it.
 */
function smallest(names: readonly string[], wanted: (name: string) => boolean, count: number): string[] {
	const heap: string[] = [];
	for (const name of names) {
		if (heap.length === count && name >= heap[0]!) continue;
		if (!wanted(name)) continue;
		if (heap.length < count) {
			heap.push(name);
			rise(heap);
		} else {
			heap[0] = name;
			sink(heap);
		}
	}
	return heap.sort(byCodeUnits);
}

function rise(heap: string[]): void {
	let at = heap.length - 1;
	while (at > 0) {
		const above = (at - 1) >> 1;
		if (heap[above]! >= heap[at]!) return;
		swap(heap, above, at);
		at = above;
	}
}

function sink(heap: string[]): void {
	for (let at = 0; ; ) {
		let largest = at;
		for (const below of [2 * at + 1, 2 * at + 2]) {
			if (below < heap.length && heap[below]! > heap[largest]!) largest = below;
		}
		if (largest === at) return;
		swap(heap, largest, at);
		at = largest;
	}
}

function swap(heap: string[], a: number, b: number): void {
	const name = heap[a]!;
	heap[a] = heap[b]!;
	heap[b] = name;
}

function byCodeUnits(a: string, b: string): number {
	if (a === b) return 0;
	return a < b ? -1 : 1;
}

const checksumBytes = 4;

/** The last name of the page, behind a checksum over it and the list it is of. */
function tokenOf(request: PageRequest, lastName: string): string {
	const name = Buffer.from(lastName);
	const checksum = Buffer.alloc(checksumBytes);
	checksum.writeUInt32BE(checksumOf(request, name));
	return Buffer.concat([checksum, name]).toString('base64url');
}

/** Undefined without a token, and for one that is not of this list. */
function lastNameOf(request: PageRequest): string | undefined {
	const bytes = Buffer.from(request.pageToken, 'base64url');
	if (bytes.length <= checksumBytes) return undefined;
	const name = bytes.subarray(checksumBytes);
	return bytes.readUInt32BE() === checksumOf(request, name) ? name.toString() : undefined;
}

function checksumOf({ path, prefix }: PageRequest, name: Uint8Array): number {
	return crc32(name, crc32(`${path}\0${prefix}\0`));
}

function badToken(at: string): RpcException {
	return invalidField(
		`${at}page_token`,
		'the page_token is none of this list: send the next_page_token of the page before, with the same path and prefix',
	);
}
