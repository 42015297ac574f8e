/**
 * The two 64-bit numbers of ZooKeeper that must never be mixed up.
 *
 * A zxid is a double: exact up to 2^53, which is epoch 2^21 - 1; larger ones are refused where they enter (docs/divergence.md).
 * A session id uses all 64 bits and is therefore an unsigned bigint.
 */

declare const brand: unique symbol;

/** epoch * 2^32 + counter. Made, split and compared in core/model/zxid.ts only. */
export type Zxid = number & { readonly [brand]: 'Zxid' };

/** Unsigned 64 bits, 0n for requests without a session. */
export type SessionId = bigint & { readonly [brand]: 'SessionId' };
