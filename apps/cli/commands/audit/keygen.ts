import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.ts';
import { Failure } from '../../failure.ts';
import { addOutputOptions } from '../../shared-options.ts';

export function addAuditKeygen(audit: Command, context: CommandContext): void {
	const command = audit
		.command('keygen')
		.summary('make a key that signs checkpoints')
		.description(
			'Makes a pair of Ed25519 keys: FILE, with which a mirror signs checkpoints (audit.signingKey; its owner alone may read it), and FILE.pub, with\n' +
				'which everybody can verify. Nothing is overwritten. Keep FILE where the database is not.',
		)
		.argument('<file>', 'the private key, PEM');
	addOutputOptions(command).action(async (file: string) => {
		const { terminal } = context;
		const { generateKeys } = await import('#audit/checkpoint-key');
		const { keyId, privatePem, publicPem } = generateKeys();
		const publicFile = `${file}.pub`;
		// The public one first: a private key that nobody can verify with is worth nothing.
		write(publicFile, publicPem, 0o644);
		write(file, privatePem, 0o600);
		if (terminal.json) {
			terminal.object({ keyId, privateKey: file, publicKey: publicFile });
			return;
		}
		terminal.line(`key ${keyId}: ${file} signs, ${publicFile} verifies`);
		terminal.note(
			`Set audit.signingKey=${file} on every server whose mirror may write, and give ${publicFile} to whoever verifies.`,
		);
	});
}

function write(file: string, pem: string, mode: number): void {
	try {
		writeFileSync(file, pem, { mode, flag: 'wx' });
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		if (code === 'EEXIST')
			throw new Failure(`${file} is there already`, 'A key is never overwritten: name another file.');
		throw new Failure(`${file} cannot be written: ${message}`);
	}
}
