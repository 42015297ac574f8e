/** The operations of the API by their kind: what each is asked with, and what it answers. */
import type { Operation as OperationMessage, Reply } from '#proto/chronokeeper/v1/session';

export type Operation = NonNullable<OperationMessage['op']>;
export type OperationKind = Operation['$case'];
export type Answer = Exclude<NonNullable<Reply['result']>, { readonly $case: 'error' }>;

export type RequestOf<K extends OperationKind> = Extract<Operation, { readonly $case: K }>['value'];
export type ResponseOf<K extends OperationKind> = Extract<Answer, { readonly $case: K }>['value'];

/** Those that ZnodeService has too. */
export type ZnodeOperationKind = Exclude<
	OperationKind,
	'addWatch' | 'removeWatches' | 'setWatches' | 'keepAlive' | 'authenticate' | 'closeSession'
>;
