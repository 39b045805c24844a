const timeoutMs = 5000;

/** @throws Error that names the URL without its query and its credentials */
export async function getJson(url: string, body?: URLSearchParams, stop?: AbortSignal): Promise<unknown> {
  const { origin, pathname, username, password } = new URL(url);
  const where = `${origin}${pathname}`;
  const secret = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const headers: Record<string, string> = username === '' ? {} : { authorization: `Basic ${secret}` };
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = stop === undefined ? timeout : AbortSignal.any([timeout, stop]);
  let response: Response;
  try {
    response = await fetch(where, { headers, signal, ...(body && { method: 'POST', body }) });
  } catch (error) {
    const { cause, message } = error as Error;
    throw new Error(`${where} has no answer: ${cause instanceof Error ? cause.message : message}`);
  }
  if (!response.ok)
    throw new Error(`${where} answers with ${response.status}: ${(await response.text()).slice(0, 200)}`);
  try {
    return await response.json();
  } catch {
    throw new Error(`${where} answers with what is not JSON`);
  }
}
