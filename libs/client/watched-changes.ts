/** What the history tells of a transaction, as the events that watches would have told. */
import type { HistoryResponse } from '#proto/chronokeeper/v1/history';
import type { NodeEvent, NodeEventType } from './watched-event.ts';

/** A change of an access control list is nothing that watches tell. */
const types: readonly (readonly [RegExp, NodeEventType])[] = [
	[/^create/, 'NodeCreated'],
	[/^delete/, 'NodeDeleted'],
	[/^setData$/, 'NodeDataChanged'],
];

export function* watchedEvents({ zxid, changes }: HistoryResponse): Generator<NodeEvent> {
	for (const { type, path, data } of changes) {
		const known = types.find(([words]) => words.test(type))?.[1];
		if (known === undefined) continue;
		yield { type: known, path, zxid, stat: undefined, data };
		if (known !== 'NodeDataChanged' && path !== '/')
			yield { type: 'NodeChildrenChanged', path: parentOf(path), zxid, stat: undefined, data: undefined };
	}
}

function parentOf(path: string): string {
	return path.slice(0, path.lastIndexOf('/')) || '/';
}
