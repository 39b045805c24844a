import type { TextTest } from '@inmesh/core';

/** Whether a DNS name of a certificate is for this host; a wildcard stands for one whole label, the first (RFC 9525 6.3). */
export function hostTest(host: string): TextTest {
  const wanted = host.toLowerCase();
  const dot = wanted.indexOf('.');
  const wildcard = dot < 0 ? undefined : `*${wanted.slice(dot)}`;
  return (name) => {
    const shown = name.toLowerCase();
    return shown === wanted || shown === wildcard;
  };
}
