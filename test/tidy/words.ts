/** Names we do not use, with the name to use instead: ZooKeeper's words, and nouns instead of boxes of things. */
import { isGenerated, isTypeScript, type Rule } from './source-file.ts';

/** Words of a file's name. */
const fileWords: Readonly<Record<string, string>> = {
	helper: 'the noun it helps with',
	helpers: 'the noun they help with',
	util: 'the noun it is about',
	utils: 'the noun they are about',
	misc: 'one file per noun',
	manager: 'what it manages, in the plural',
	impl: 'what makes this implementation different',
};

/** Whole names of files. */
const fileNames: Readonly<Record<string, string>> = {
	common: 'the noun that is shared',
	base: 'what it is',
	constants: 'the noun they describe',
	types: 'the noun they describe',
	interfaces: 'the noun they describe',
};

/** Identifiers, as a regular expression over whole names; plurals and longer names are named when they occur. */
const identifiers: readonly (readonly [RegExp, string])[] = [
	[/^(txId|txnId|transactionId)$/, 'zxid'],
	[/^(leaderTerm|currentTerm)$/, 'epoch'],
	[/^(commitIndex|logIndex|lastIndex)$/, 'zxid'],
	[/^[zZ]Nodes?$|^ZNode[A-Z]\w*/, 'node, or znode'],
	[/^sessionID$/, 'sessionId'],
	[/^(createdZxid|creationZxid)$/, 'czxid'],
	[/^(modifiedZxid|modificationZxid)$/, 'mzxid'],
	[/^(childVersion|childrenVersion)$/, 'cversion'],
	[/^aclVersion$/, 'aversion'],
	[/^(numberOfChildren|childrenCount)$/, 'numChildren, or childCount'],
	[/^dataLen$/, 'dataLength'],
	[/^(wal|WAL|writeAheadLog|Wal[A-Z]\w*)$/, 'txnLog'],
	[/^(master|slave|primaryReplica|secondaryReplica)$/, 'leader, follower, replica'],
	[/^heartbeats?$/i, 'ping, or tick'],
	// The exceptions are OpenTelemetry's and pg's.
	[
		/^(?!scheduledDelay|exportTimeout|connectionTimeout|idleTimeout)\w+(Millis|Milliseconds|Msec|Msecs)$/,
		'a name that ends in Ms',
	],
	[/^(doStuff|fixStuff|temp\d*|tmp\d+|foo|baz)$/i, 'what it is'],
];

export const namesWeUse: Rule = (files) =>
	files
		.filter((file) => isTypeScript(file) && !isGenerated(file.path))
		.flatMap((file) => [...badFileName(file.path), ...badIdentifiers(file)]);

function badFileName(path: string): string[] {
	const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.(spec\.)?ts$/, '');
	const instead = fileNames[name] ?? name.split(/[.-]/).flatMap((word) => fileWords[word] ?? [])[0];
	return instead ? [`${path}: not ${name} but ${instead}`] : [];
}

function badIdentifiers({ path, code }: { readonly path: string; readonly code: string }): string[] {
	const names = new Set(code.match(/[A-Za-z_$][\w$]*/g));
	return [...names].flatMap((name) => {
		const instead = identifiers.find(([pattern]) => pattern.test(name))?.[1];
		return instead ? [`${path}: not ${name} but ${instead}`] : [];
	});
}
