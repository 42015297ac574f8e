/** Numbers that ZooKeeper's protocols and files give to operations, flags and events. */

export const opCode = {
	notification: 0,
	create: 1,
	delete: 2,
	exists: 3,
	getData: 4,
	setData: 5,
	getACL: 6,
	setACL: 7,
	getChildren: 8,
	sync: 9,
	ping: 11,
	getChildren2: 12,
	check: 13,
	multi: 14,
	create2: 15,
	reconfig: 16,
	checkWatches: 17,
	removeWatches: 18,
	createContainer: 19,
	/** Made by servers only (semantics 32). */
	deleteContainer: 20,
	createTTL: 21,
	multiRead: 22,
	auth: 100,
	setWatches: 101,
	sasl: 102,
	getEphemerals: 103,
	getAllChildrenNumber: 104,
	setWatches2: 105,
	addWatch: 106,
	whoAmI: 107,
	createSession: -10,
	closeSession: -11,
	error: -1,
} as const;

export type OpName = keyof typeof opCode;

const names = new Map<number, OpName>(Object.entries(opCode).map(([name, code]) => [code, name as OpName]));

/** `setData` for 5; undefined for a code that ZooKeeper does not have. */
export function opName(code: number): OpName | undefined {
	return names.get(code);
}

/** Flags of create requests. */
export const createFlags = {
	persistent: 0,
	ephemeral: 1,
	persistentSequential: 2,
	ephemeralSequential: 3,
	container: 4,
	ttl: 5,
	ttlSequential: 6,
} as const;

/** xids that do not come from a client's counter. */
export const specialXid = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const;

export const watcherType = { children: 1, data: 2, any: 3, persistent: 4, persistentRecursive: 5 } as const;
export const addWatchMode = { persistent: 0, persistentRecursive: 1 } as const;

/** Types of watch events; `none` tells of the connection, not of a node. */
export const eventType = {
	none: -1,
	nodeCreated: 1,
	nodeDeleted: 2,
	nodeDataChanged: 3,
	nodeChildrenChanged: 4,
	dataWatchRemoved: 5,
	childWatchRemoved: 6,
	persistentWatchRemoved: 7,
} as const;

/** The state that every watch event carries. */
export const keeperState = { syncConnected: 3 } as const;

export const permission = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;
