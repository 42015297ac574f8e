/** One of zkCli's words over gRPC, and what can go wrong with it in the words of `ck`. */
import { CommanderError } from 'commander';
import { ClientError } from '#client/client-error';
import { exitCodes, Failure } from '../failure.ts';
import { explained } from '../server-connection.ts';
import { KeeperError, sentenceOf } from '../zookeeper/client/keeper-error.ts';
import { type Command, type Output, parseCommandLine, usageOf } from '../zookeeper/commands/command.ts';
import { Fatal, IllegalArgument, OptionFailure, Failure as WordFailure } from '../zookeeper/failures.ts';
import type { Operations } from '../zookeeper/operations.ts';

/** @param operations asked for when the line can be read @throws what failureOf knows */
export async function runWord(
	command: Command,
	typed: readonly string[],
	output: Output,
	operations: () => Operations | Promise<Operations>,
): Promise<void> {
	try {
		const line = parseCommandLine(command, typed, output);
		await command.run(line, { client: await operations(), ...output });
	} catch (error) {
		if (error instanceof OptionFailure || error instanceof Fatal) throw wrongUsage(command, error.reason);
		if (error instanceof WordFailure && error.message === usageOf(command)) throw wrongUsage(command);
		throw error;
	}
}

function wrongUsage(command: Command, reason = 'that is not how it is used'): Failure {
	return new Failure(reason, `usage: ${usageOf(command)}`.trimEnd(), exitCodes.usage);
}

/** What is not expected goes on its way. */
export function failureOf(error: unknown): Failure {
	if (error instanceof Failure) return error;
	if (error instanceof ClientError) return explained(error);
	if (error instanceof KeeperError) return new Failure(sentenceOf(error));
	if (error instanceof IllegalArgument) return new Failure(error.message);
	if (error instanceof OptionFailure || error instanceof Fatal)
		return new Failure(error.reason, undefined, exitCodes.usage);
	if (error instanceof WordFailure) return new Failure(error.message, undefined, error.exitCode);
	if (error instanceof CommanderError) return new Failure(error.message, undefined, exitCodes.usage);
	throw error;
}
