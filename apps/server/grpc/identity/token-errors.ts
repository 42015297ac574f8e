/** What may be wrong with a bearer token, apart from what checks it: that is loaded only where tokens are taken. */

/** Why a token is not taken. */
export class BadToken extends Error {}

/** The keys are not to be had: nobody can tell whether the token is good. */
export class KeysAway extends Error {}
