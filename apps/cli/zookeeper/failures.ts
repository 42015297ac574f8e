/**
 * The three ways a command of zkCli can go wrong, as ZooKeeper's own command line tells them apart: it says so and goes on (Failure), its
 * argument was no path or number (IllegalArgument, which most commands turn into a Failure), or the whole program ends (Fatal).
 */

/** The command failed: the message goes to stderr, the exit code is kept for the end. */
export class Failure extends Error {
	readonly exitCode: number;

	constructor(message: string, exitCode = 1) {
		super(message);
		this.name = 'Failure';
		this.exitCode = exitCode;
	}
}

/** The flags could not be read. */
export class OptionFailure extends Failure {
	/** Without what Java calls it. */
	readonly reason: string;

	constructor(exception: string, reason: string) {
		super(`${exception}: ${reason}`);
		this.name = 'OptionFailure';
		this.reason = reason;
	}
}

/** What Java calls an IllegalArgumentException. */
export class IllegalArgument extends Error {
	override name = 'IllegalArgument';
}

/** Nobody catches this in ZooKeeper's program either: it says what was thrown and ends with exit code 1. */
export class Fatal extends Error {
	/** Without what Java calls it. */
	readonly reason: string;

	constructor(exception: string, message: string | null) {
		super(`Exception in thread "main" ${exception}${message === null ? '' : `: ${message}`}`);
		this.name = 'Fatal';
		this.reason = message ?? exception;
	}
}
