import { type DynamicModule, Module } from '@nestjs/common';
import { commandsController } from './commands/commands.controller.ts';
import { Commands } from './commands/commands.ts';
import { HttpController } from './http.controller.ts';
import { HttpAnswers } from './http-answers.ts';

export interface HttpProviders {
	readonly http: HttpAnswers;
	/** Undefined: without ZooKeeper's AdminServer. */
	readonly commands: { readonly url: string; readonly commands: Commands } | undefined;
}

@Module({})
export class HttpModule {
	static over({ http, commands }: HttpProviders): DynamicModule {
		return {
			module: HttpModule,
			controllers: [HttpController, ...(commands === undefined ? [] : [commandsController(commands.url)])],
			providers: [
				{ provide: HttpAnswers, useValue: http },
				...(commands === undefined ? [] : [{ provide: Commands, useValue: commands.commands }]),
			],
		};
	}
}
