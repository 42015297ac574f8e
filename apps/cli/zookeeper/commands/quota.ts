/** Commands for quotas. */

import { quotaPath } from '#core/model/path';
import { deleteQuota, isNoNode, limitsPath, readQuota, setQuota } from '../client/quota.ts';
import type { QuotaField } from '../client/stats-track.ts';
import { readInt, readLong } from '../java-numbers.ts';
import type { ParsedOptions } from '../options.ts';
import type { Command, Output } from './command.ts';

interface QuotaOption {
	readonly name: string;
	readonly field: QuotaField;
	readonly description: string;
}

const quotaOptions: readonly QuotaOption[] = [
	{ name: 'n', field: 'count', description: 'num soft quota' },
	{ name: 'b', field: 'bytes', description: 'bytes soft quota' },
	{ name: 'N', field: 'countHardLimit', description: 'num hard quota' },
	{ name: 'B', field: 'byteHardLimit', description: 'bytes hard quota' },
];

export const setquota: Command = {
	name: 'setquota',
	usage: '-n|-b|-N|-B val path',
	options: quotaOptions.map((option) => ({ ...option, takesValue: true })),
	exclusive: { required: true },
	leastArguments: 1,
	async run(line, { client, out, err }) {
		const { path } = line;
		if (path.startsWith(quotaPath)) {
			err(`cannot set a quota under the path: ${quotaPath}`);
			return;
		}
		const { name, field } = quotaOptions.find((option) => line.has(option.name))!;
		const value = quotaValue(name, line, err);
		if (value === undefined) return;
		for (const warning of await setQuota(client, path, field, value)) out(warning);
	},
};

/** Undefined when the value was refused. */
function quotaValue(name: string, { value }: ParsedOptions, err: Output['err']): bigint | undefined {
	const counts = name === 'n' || name === 'N';
	const text = value(name)!;
	const limit = counts ? readInt(text) : readLong(text);
	if (limit === undefined) err('NumberFormatException happens when parsing the option value');
	else if (counts && limit <= 0) err('the num quota must be greater than zero');
	else if (limit < 0) err('the bytes quota must be greater than or equal to zero');
	else return BigInt(limit);
	return undefined;
}

export const listquota: Command = {
	name: 'listquota',
	usage: 'path',
	options: [],
	leastArguments: 1,
	async run({ path }, { client, out, err }) {
		err(`absolute path is ${limitsPath(path)}`);
		try {
			const { limits, usage } = await readQuota(client, path);
			out(`Output quota for ${path} ${limits}`);
			out(`Output stat for ${path} ${usage}`);
		} catch (error) {
			if (!isNoNode(error)) throw error;
			err(`quota for ${path} does not exist.`);
		}
	},
};

export const delquota: Command = {
	name: 'delquota',
	usage: '[-n|-b|-N|-B] path',
	options: quotaOptions.map((option) => ({ ...option, takesValue: false })),
	exclusive: { required: false },
	leastArguments: 1,
	async run({ path, has }, { client, out, err }) {
		const fields = quotaOptions.filter(({ name }) => has(name)).map(({ field }) => field);
		try {
			if (!(await deleteQuota(client, path, fields))) out(`Quota does not exist for ${path}`);
		} catch (error) {
			if (!isNoNode(error)) throw error;
			err(`quota for ${path} does not exist.`);
		}
	},
};
