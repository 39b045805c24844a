import { describe, expect, it } from 'vitest';
import { MeshAuthority } from './mesh-authority.js';
import { formsOfKey } from './secret-forms.js';
import { SecretScan } from './secret-scan.js';

const { key } = new MeshAuthority().issue('shop');

describe('the look for secrets', () => {
  it.each([
    ['a line of PEM', { pem: key }],
    ['an error', new Error('no', { cause: new Error(key) })],
    ['a Buffer', Buffer.from(formsOfKey(key).find(({ what }) => what === 'its secret number in hex')!.text, 'hex')],
    ['hex', formsOfKey(key).find(({ what }) => what === 'the key in hex')!.text],
    ['base64url', formsOfKey(key).find(({ what }) => what === 'its secret number in base64url')!.text],
  ])('finds a key in %s', async (_what, said) => {
    const scan = new SecretScan();
    scan.hear(said);
    await expect(scan.check()).rejects.toThrow('secrets that were told');
  });

  it('finds what it was told to look for, in the log', async () => {
    const scan = new SecretScan();
    scan.guard('the token', 'a-token-of-16-characters');
    scan.logger.info('refused', { authorization: 'Bearer a-token-of-16-characters' });
    await expect(scan.check()).rejects.toThrow('secrets that were told');
  });

  it('finds nothing in certificates', async () => {
    const scan = new SecretScan();
    scan.hear(new MeshAuthority().issue('shop').chain);
    await scan.check();
  });
});
