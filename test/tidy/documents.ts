/** Documents stay true: what they link to and the files they name exist. */
import { posix } from 'node:path';
import { pathExists, type Rule, type SourceFile } from './source-file.ts';

const firstFolders = ['libs', 'apps', 'docs', 'bin', 'test', 'migrations', 'proto', '.ci'];

/** Reads the tree of the project unless told otherwise (a sample has no files on disk). */
export const documentsAreTrue: Rule = (files) => {
	const known = new Set(files.map((file) => file.path));
	const exists = (path: string): boolean => known.has(path) || pathExists(path);
	return files
		.filter((file) => file.path.endsWith('.md'))
		.flatMap((file) => [...brokenLinks(file, files, exists), ...missingPaths(file, exists)]);
};

function brokenLinks(file: SourceFile, files: readonly SourceFile[], exists: (path: string) => boolean): string[] {
	return [...prose(file.text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
		if (/^[a-z]+:/.test(link!)) return [];
		const [path, anchor] = link!.split('#') as [string, string | undefined];
		const target = path === '' ? file.path : posix.join(posix.dirname(file.path), path);
		if (!exists(target)) return [`${file.path}: the link ${link} leads nowhere`];
		const document = files.find((each) => each.path === target);
		if (anchor && document?.path.endsWith('.md') && !headings(document.text).includes(anchor)) {
			return [`${file.path}: ${target} has no heading #${anchor}`];
		}
		return [];
	});
}

/** `libs/core/chain/prep.ts` in backquotes; a star or an angle bracket stands for many. */
function missingPaths(file: SourceFile, exists: (path: string) => boolean): string[] {
	return [...prose(file.text).matchAll(/`([\w.@/-]+)`/g)].flatMap(([, path]) => {
		if (!path!.includes('/') || !firstFolders.includes(path!.split('/')[0]!)) return [];
		return exists(path!.replace(/\/$/, '')) ? [] : [`${file.path}: there is no ${path}`];
	});
}

function headings(text: string): string[] {
	return [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
		heading!
			.toLowerCase()
			.replace(/[^\p{L}\p{N} _-]/gu, '')
			.replaceAll(' ', '-'),
	);
}

/** Without fenced blocks: those are commands and drawings. */
function prose(text: string): string {
	return text.replace(/^```[\s\S]*?^```/gm, '');
}
