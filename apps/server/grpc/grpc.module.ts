import { type DynamicModule, Module } from '@nestjs/common';
import { AdminController } from './admin.controller.ts';
import { Admin } from './admin.ts';
import { Histories } from './histories.ts';
import { HistoryController } from './history.controller.ts';
import { ResponseStreams } from './response-streams.ts';
import { SessionController } from './sessions/session.controller.ts';
import { SessionCalls } from './sessions/session-calls.ts';
import { ZnodeController } from './znode.controller.ts';
import { Znodes } from './znodes.ts';

export interface GrpcProviders {
	readonly znodes: Znodes;
	readonly sessionCalls: SessionCalls;
	readonly histories: Histories;
	readonly admin: Admin;
	readonly streams: ResponseStreams;
}

@Module({})
export class GrpcModule {
	static over({ znodes, sessionCalls, histories, admin, streams }: GrpcProviders): DynamicModule {
		return {
			module: GrpcModule,
			controllers: [ZnodeController, SessionController, HistoryController, AdminController],
			providers: [
				{ provide: Znodes, useValue: znodes },
				{ provide: SessionCalls, useValue: sessionCalls },
				{ provide: Histories, useValue: histories },
				{ provide: Admin, useValue: admin },
				{ provide: ResponseStreams, useValue: streams },
			],
		};
	}
}
