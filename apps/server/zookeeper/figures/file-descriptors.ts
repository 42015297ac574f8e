import { readdirSync, readFileSync } from 'node:fs';
import type { Figure } from './figure.ts';

/** Open files and sockets, and how many there may be. Where the system does not say so as Linux does, nothing. */
export function* fileDescriptors(): IterableIterator<Figure> {
	try {
		const limits = readFileSync('/proc/self/limits', 'utf8');
		const most = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
		// The listing itself is one of them.
		yield ['open_file_descriptor_count', readdirSync('/proc/self/fd').length - 1];
		if (most !== undefined) yield ['max_file_descriptor_count', Number(most)];
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
	}
}
