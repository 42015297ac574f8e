import { type DynamicModule, Module } from '@nestjs/common';
import { RestoreController } from '../restore/restore.controller.ts';
import { Restores } from '../restore/restores.ts';
import { AdminController } from './admin.controller.ts';
import { Admin } from './admin.ts';
import { Histories } from './histories.ts';
import { HistoryController } from './history.controller.ts';
import { HistoryTails } from './history-tail/history-tails.ts';
import { ResponseStreams } from './response-streams.ts';
import { OperateStreams } from './sessions/operate-streams.ts';
import { SessionController } from './sessions/session.controller.ts';
import { SessionCalls } from './sessions/session-calls.ts';
import { WatchController } from './watches/watch.controller.ts';
import { WatchStreams } from './watches/watch-streams.ts';
import { ZnodeController } from './znode.controller.ts';
import { Znodes } from './znodes.ts';

export interface GrpcProviders {
	readonly znodes: Znodes;
	readonly sessionCalls: SessionCalls;
	readonly operateStreams: OperateStreams;
	readonly histories: Histories;
	readonly historyTails: HistoryTails;
	readonly admin: Admin;
	readonly streams: ResponseStreams;
	readonly watchStreams: WatchStreams;
	readonly restores: Restores;
}

export const grpcControllers = [
	ZnodeController,
	SessionController,
	WatchController,
	HistoryController,
	AdminController,
	RestoreController,
];

@Module({})
export class GrpcModule {
	static over({
		znodes,
		sessionCalls,
		operateStreams,
		histories,
		historyTails,
		admin,
		streams,
		watchStreams,
		restores,
	}: GrpcProviders): DynamicModule {
		return {
			module: GrpcModule,
			controllers: grpcControllers,
			providers: [
				{ provide: Znodes, useValue: znodes },
				{ provide: SessionCalls, useValue: sessionCalls },
				{ provide: OperateStreams, useValue: operateStreams },
				{ provide: Histories, useValue: histories },
				{ provide: HistoryTails, useValue: historyTails },
				{ provide: Admin, useValue: admin },
				{ provide: ResponseStreams, useValue: streams },
				{ provide: WatchStreams, useValue: watchStreams },
				{ provide: Restores, useValue: restores },
			],
		};
	}
}
