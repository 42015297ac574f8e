import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLogger } from '#telemetry/logger';
import { loadConfig, type ServerConfig } from './config/config.ts';
import { portOrAny } from './default-port.ts';

let owner: Server;
let taken: number;
let lines: string[];

beforeEach(async () => {
	owner = createServer();
	await new Promise<void>((resolve) => owner.listen(0, '127.0.0.1', resolve));
	const address = owner.address();
	taken = address !== null && typeof address === 'object' ? address.port : 0;
	lines = [];
});
afterEach(() => new Promise((resolve) => owner.close(resolve)));

/** What becomes of this port, set by somebody or a default. */
function choose(httpPort: number, isGiven: boolean): Promise<number> {
	const config: ServerConfig = { ...loadConfig(), httpPort, given: new Set(isGiven ? ['httpPort'] : []) };
	const logger = createLogger({
		level: 'warn',
		format: 'json',
		destination: { write: (line: string) => lines.push(line) },
	});
	return portOrAny(config, 'httpPort', '127.0.0.1', logger);
}

it('a default that is taken is replaced by any free port, and it says so', async () => {
	expect(await choose(taken, false)).toBe(0);
	expect(lines.join('')).toContain(`port ${taken} is taken, and nobody set httpPort`);
});

it('a port that somebody set is kept, for the start to fail on it', async () => {
	expect(await choose(taken, true)).toBe(taken);
	expect(lines).toEqual([]);
});

it('a default that is free is kept', async () => {
	await new Promise((resolve) => owner.close(resolve));
	expect(await choose(taken, false)).toBe(taken);
	expect(await choose(0, false)).toBe(0);
	expect(lines).toEqual([]);
});
