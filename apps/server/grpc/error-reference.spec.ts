/** docs/grpc.md says what the code does: every error with its status and what to do about it, every reason, key of metadata and limit. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { errors } from '#jute/errors';
import { grpcLimitKeys } from '../config/grpc-limit-keys.ts';
import { adviceFor } from './error-advice.ts';
import { type RefusalKind, refusals } from './refusals.ts';
import { grpcStatus } from './status-mapping.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const document = readFileSync(fileURLToPath(new URL('../../../docs/grpc.md', import.meta.url)), 'utf8');
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
	.filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
	.map((name) => readFileSync(join(folder, name), 'utf8'))
	.join('\n');

/** ZooKeeper's errors as the document has them, the code in front. */
const table = Object.values(errors)
	.filter(({ code }) => code !== 0)
	.map(({ code, name, message }) => {
		const { advice, retryMs } = adviceFor(code);
		const anchor = `<a id="${name.toLowerCase()}"></a>`;
		const words = [`${anchor}${name}`, code, status[grpcStatus(code)], message, advice, afterSeconds(retryMs)];
		return `| ${words.join(' | ')} |`;
	})
	.join('\n');

function afterSeconds(retryMs: number | undefined): string {
	return retryMs === undefined ? '' : `${retryMs / 1000} s`;
}

/** But for the words that only the document has. */
function literally(text: string): string {
	return text === '([^|]+)' ? text : text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function found(pattern: RegExp): string[] {
	return [...new Set([...sources.matchAll(pattern)].map(([, name]) => name!))].sort();
}

describe('docs/grpc.md', () => {
	it('has every error of the catalogue, with its status, its meaning, the advice and when to try again', () => {
		expect(document).toContain(table);
	});

	it.each(Object.entries<RefusalKind>(refusals))(
		'has %s, with its status, the advice and when to try again',
		(reason, { code, advice, retryMs }) => {
			const row = [
				`<a id="${reason.toLowerCase()}"></a>\`${reason}\``,
				status[code],
				'([^|]+)',
				advice,
				afterSeconds(retryMs),
			];
			expect(document).toMatch(new RegExp(`^\\| ${row.map(literally).join(' \\| ')} \\|$`, 'm'));
		},
	);

	it('has no other reasons, and no others are given', () => {
		const named = [...document.matchAll(/<a id="[a-z_]+"><\/a>`([A-Z_]+)`/g)].map(([, name]) => name!);
		expect(named.sort()).toEqual(Object.keys(refusals).sort());
		expect(found(/\breason: '([A-Z_]+)'/g)).toEqual([]);
	});

	it('has every key of metadata', () => {
		const keys = found(/(?:metadata\.get\(|sessionIdKey = |sessionPasswordKey = |metadata\.set\()'([a-z-]+)'/g);
		expect(keys).toContain('ck-session-password-bin');
		expect(keys.filter((key) => !document.includes(`\`${key}\``))).toEqual([]);
	});

	it('has every limit', () => {
		expect(Object.keys(grpcLimitKeys).filter((key) => !document.includes(`\`${key}\``))).toEqual([]);
	});
});
