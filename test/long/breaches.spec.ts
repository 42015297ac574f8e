/** The checkers bite: what is broken on purpose in the ensemble of ensemble.spec.ts they find, and say so in these words. */
import { expect, it } from 'vitest';
import type { Breach } from '#test/sim/ensemble/breach';
import { runEnsemble } from '#test/sim/ensemble/run-ensemble';

const mostSeeds = 40;

interface Known {
	readonly breach: Breach;
	readonly words: RegExp;
	/** The seeds in front of it are known to say nothing. */
	readonly begin?: number;
}

const breaches: readonly Known[] = [
	{ breach: 'ackBeforeFsync', words: /was committed before: it is lost|is committed$/, begin: 11 },
	{ breach: 'commitWithoutQuorum', words: /was committed before: it is lost|is committed$/ },
	{
		breach: 'skipTruncate',
		words: /has a phantom|logs 0x\w+ behind|equal digest at equal zxid|log zxids strictly rise/,
	},
	{ breach: 'reuseEpoch', words: /epoch \d+ is led by|logs another transaction/ },
	{ breach: 'dropProposal', words: /logs 0x\w+ behind|does not serve in the end/ },
	{ breach: 'newQuorumAlone', words: /different configurations|with the configuration/, begin: 21 },
	{ breach: 'forgottenNext', words: /different configurations|with the configuration/ },
	{ breach: 'eventAfterRead', words: /came before the event of/ },
	{ breach: 'earlyExpiry', words: /expired after \d+ ms of 4000/ },
	{ breach: 'noExpiry', words: /has no client and did not expire/ },
	{ breach: 'localSync', words: /a sync was answered at/ },
	{ breach: 'backInTime', words: /went back in time|came through a member that its session had left/ },
	{
		breach: 'unaskedRevalidation',
		words: /came through a member that its session had left|is of a session that is not open/,
	},
	{ breach: 'lateWrite', words: /is done behind the sync of the connection/, begin: 27 },
	{ breach: 'requestTwice', words: /done twice/ },
	{ breach: 'wrongAnswer', words: /gave other data than are there/ },
	{ breach: 'unmirroredCommit', words: /is not mirrored/ },
	{ breach: 'unfencedMirror', words: /the mirror has/ },
	{ breach: 'believedDamage', words: /was committed before: it is lost|is committed$/, begin: 225 },
];

it.each(breaches)('the checkers find it: $breach', async ({ breach, words, begin = 0 }) => {
	const findings: string[] = [];
	for (let i = begin; i < begin + mostSeeds && !findings.some((finding) => words.test(finding)); i++) {
		findings.push(...(await runEnsemble(1 + i * 104_729, { breach })).findings);
	}
	expect(findings).toContainEqual(expect.stringMatching(words));
});
