import { type DynamicModule, Module } from '@nestjs/common';
import { HttpController } from './http.controller.ts';
import { HttpAnswers } from './http-answers.ts';

export interface HttpProviders {
	readonly http: HttpAnswers;
}

@Module({})
export class HttpModule {
	static over({ http }: HttpProviders): DynamicModule {
		return {
			module: HttpModule,
			controllers: [HttpController],
			providers: [{ provide: HttpAnswers, useValue: http }],
		};
	}
}
