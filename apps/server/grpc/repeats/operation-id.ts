/** The cxids of a session: those below are its client's own, the ids of its operations on streams that can be repeated; those above are the server's. */
export const firstServerCxid = 2 ** 30;

export function isOperationId(id: number): boolean {
	return id > 0 && id < firstServerCxid;
}
