import type { Acl } from '#proto/chronokeeper/v1/common';

export interface AclOption {
	/** The access control list of every node that the recipe creates, of those above its path too when they are missing. Open to everybody when absent. All who share the path say the same. */
	readonly acl?: readonly Acl[] | undefined;
}
