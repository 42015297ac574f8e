/** What `cons` calls the last operation of a connection: ZooKeeper's four letters. */
import { opCode } from '#jute/op-codes';

const abbreviations = new Map<number, string>([
	[opCode.create, 'CREA'],
	[opCode.create2, 'CREA'],
	[opCode.createTTL, 'CREA'],
	[opCode.createContainer, 'CREA'],
	[opCode.delete, 'DELE'],
	[opCode.deleteContainer, 'DELE'],
	[opCode.setData, 'SETD'],
	[opCode.reconfig, 'RECO'],
	[opCode.setACL, 'SETA'],
	[opCode.closeSession, 'CLOS'],
	[opCode.sync, 'SYNC'],
	[opCode.check, 'CHEC'],
	[opCode.exists, 'EXIS'],
	[opCode.getData, 'GETD'],
	[opCode.setWatches, 'SETW'],
	[opCode.setWatches2, 'STW2'],
	[opCode.addWatch, 'ADDW'],
	[opCode.getACL, 'GETA'],
	[opCode.getChildren, 'GETC'],
	[opCode.getAllChildrenNumber, 'GETACN'],
	[opCode.getChildren2, 'GETC'],
	[opCode.checkWatches, 'CHKW'],
	[opCode.removeWatches, 'REMW'],
	[opCode.getEphemerals, 'GETE'],
	[opCode.whoAmI, 'HOMI'],
	[opCode.ping, 'PING'],
	[opCode.createSession, 'SESS'],
	[opCode.multi, 'MULT'],
	[opCode.multiRead, 'MLTR'],
]);

export function opAbbreviation(type: number): string {
	return abbreviations.get(type) ?? 'NA';
}
