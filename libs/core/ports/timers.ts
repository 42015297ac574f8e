/** Calls back once after so many milliseconds, never from inside the call. The answer cancels it. */
export type After = (ms: number, run: () => void) => () => void;
