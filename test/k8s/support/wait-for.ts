export interface WaitOptions {
  /** In milliseconds. Default 30,000. */
  readonly bound?: number;
  /** Of whom is waited for. */
  readonly log?: () => string;
}

/** Polls until the condition holds. @throws when it does not within the bound, with the end of the log */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { bound = 30_000, log }: WaitOptions = {},
): Promise<void> {
  const end = performance.now() + bound;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`no sign of ${what} in ${bound} ms\n${log?.() ?? ''}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
