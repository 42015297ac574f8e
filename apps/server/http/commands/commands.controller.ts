import { Readable } from 'node:stream';
import { Controller, Get, Inject, Param, Query, Req, Res, type Type } from '@nestjs/common';
import { Commands } from './commands.ts';
import { jsonPieces } from './json-text.ts';

/** The parts of Fastify's reply that are needed. */
interface Reply {
	status(code: number): Reply;
	header(name: string, value: string): Reply;
	send(body: unknown): unknown;
}

interface Request {
	readonly headers: { readonly authorization?: string };
}

/** @param url below which the commands are: `/commands` unless `admin.commandURL` says otherwise */
export function commandsController(url: string): Type {
	@Controller(url)
	class CommandsController {
		constructor(@Inject(Commands) private readonly commands: Commands) {}

		@Get()
		links(@Res() reply: Reply): unknown {
			return this.#links(reply);
		}

		@Get('*')
		run(
			@Param('*') name: string | readonly string[],
			@Query() query: Readonly<Record<string, string | readonly string[]>>,
			@Req() { headers }: Request,
			@Res() reply: Reply,
		): unknown {
			if (name.length === 0) return this.#links(reply);
			const { status, body } = this.commands.run({
				name: typeof name === 'string' ? name : name.join('/'),
				query: firstValues(query),
				authorization: headers.authorization,
			});
			if (status === 401) reply.header('www-authenticate', 'Basic realm="chronokeeper", Digest');
			return reply
				.status(status)
				.header('content-type', 'application/json')
				.send(Readable.from(jsonPieces(body)));
		}

		#links(reply: Reply): unknown {
			const links = this.commands.primaryNames.map((name) => `<a href="${url}/${name}">${name}</a>\n<br/>\n`);
			return reply.header('content-type', 'text/html; charset=utf-8').send(links.join(''));
		}
	}
	return CommandsController;
}

function firstValues(query: Readonly<Record<string, string | readonly string[]>>): Record<string, string> {
	const first = Object.create(null) as Record<string, string>;
	for (const [name, value] of Object.entries(query)) {
		const one = typeof value === 'string' ? value : value[0];
		if (one !== undefined) first[name] = one;
	}
	return first;
}
