/** Exit codes: 0 done, 1 the operation failed, 2 the command line is wrong. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** An expected failure: its message is all the user sees. It says what is wrong, and the advice what to do. */
export class Failure extends Error {
	readonly exitCode: number;
	readonly advice: string | undefined;

	constructor(message: string, advice?: string, exitCode: number = exitCodes.failed) {
		super(message);
		this.name = 'Failure';
		this.exitCode = exitCode;
		this.advice = advice;
	}
}

/** The command line cannot be meant so, which shows only when its options are seen together. */
export class UsageFailure extends Failure {
	constructor(message: string, advice?: string) {
		super(message, advice, exitCodes.usage);
		this.name = 'UsageFailure';
	}
}
