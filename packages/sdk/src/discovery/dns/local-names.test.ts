import { describe, expect, it } from 'vitest';
import { emptyHostsFile, parseHostsFile, readHostsFile } from './hosts-file.js';
import { localAddresses } from './local-names.js';

const hosts = parseHostsFile(
  '10.0.0.1 Db db.shop # the database\n# 10.0.0.2 ghost\nfd00::1\tdb\nnonsense x\n\n10.0.0.1 db',
);

describe('localAddresses', () => {
  it.each([
    ['10.1.2.3', ['10.1.2.3']],
    ['fd00::9', ['fd00::9']],
    ['[fd00::9]', ['fd00::9']],
    ['localhost', ['127.0.0.1', '::1']],
    ['LOCALHOST.', ['127.0.0.1', '::1']],
    ['app.localhost', ['127.0.0.1', '::1']],
    ['db', ['10.0.0.1', 'fd00::1']],
    ['DB.shop.', ['10.0.0.1']],
  ])('knows %s without DNS', (name, addresses) => {
    expect(localAddresses(name, hosts)).toEqual(addresses);
  });

  it('leaves all other names to DNS, comments and bad lines of the hosts file included', () => {
    for (const name of ['reviews', 'ghost', 'x', 'notlocalhost']) expect(localAddresses(name, hosts)).toBeUndefined();
  });

  it('reads a hosts file that is not there as an empty one', () => {
    expect(readHostsFile('/nonexistent/hosts')).toEqual(emptyHostsFile);
  });
});
