/** Who holds something, and who waits for it. */
import type { Chronokeeper } from '../chronokeeper.ts';
import { NoNodeError } from '../errors.ts';
import { inLine, type Marks, type Place } from './sequence-names.ts';

export interface Contender {
	/** What it calls itself: the text in its node. */
	readonly id: string;
	/** Its node. */
	readonly path: string;
	/** The fencing token that it has, or will have when it is its turn. */
	readonly token: bigint;
	readonly sessionId: bigint;
}

export interface PlacedContender extends Contender {
	readonly place: Place;
}

/** In the order in which they are served. Two round trips; none of it is watched, so it may be over when it is read. */
export async function contendersIn(
	ck: Chronokeeper,
	directory: string,
	marks: Marks,
	most = Number.POSITIVE_INFINITY,
): Promise<PlacedContender[]> {
	const line = inLine(await namesIn(ck, directory), marks);
	const found: PlacedContender[] = [];
	// Some may go between the list and the look at them: as many again are looked at then.
	for (let next = 0; next < line.length && found.length < most; ) {
		const places = line.slice(next, next + Math.min(most, line.length));
		next += places.length;
		const contenders = await Promise.all(places.map((place) => contenderAt(ck, directory, place)));
		found.push(...contenders.filter((one) => one !== undefined));
	}
	return found.slice(0, most);
}

/** The children's names; none when there is no such node. */
export async function namesIn(ck: Chronokeeper, directory: string): Promise<readonly string[]> {
	try {
		return (await ck.children(directory)).names;
	} catch (error) {
		if (error instanceof NoNodeError) return [];
		throw error;
	}
}

async function contenderAt(ck: Chronokeeper, directory: string, place: Place): Promise<PlacedContender | undefined> {
	const path = `${directory}/${place.name}`;
	try {
		const { data, stat } = await ck.get(path);
		const id = data === null ? '' : new TextDecoder().decode(data);
		return { id, path, token: stat.czxid, sessionId: stat.ephemeralOwner, place };
	} catch (error) {
		if (error instanceof NoNodeError) return undefined;
		throw error;
	}
}
