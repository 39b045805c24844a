/** Without `node:net`, which this package may not import. */
export function isIpAddress(text: string): boolean {
  return isIpv4(text) || (/^[0-9a-f:.]+$/i.test(text) && text.includes(':') && isIpv6(text));
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  try {
    // A URL's parser reads IPv6 addresses by the standard, and nothing else stands between its brackets.
    return new URL(`http://[${text}]`).hostname !== '';
  } catch {
    return false;
  }
}
