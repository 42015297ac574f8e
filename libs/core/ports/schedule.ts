/**
 * Runs a function soon, after the current one returned (setImmediate; in the simulator, when the seed says so). The host asks for
 * one turn at a time.
 */
export type Schedule = (turn: () => void) => void;
