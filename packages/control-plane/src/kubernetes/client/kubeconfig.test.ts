import { chmodSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { TemporaryFolder } from '../../../test/support/ca.js';
import { findCluster } from './find-cluster.js';
import { inClusterAccess } from './in-cluster.js';
import { kubeconfigAccess } from './kubeconfig.js';

const open: TemporaryFolder[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

function folder(): TemporaryFolder {
  const one = new TemporaryFolder();
  open.push(one);
  return one;
}

interface Parts {
  readonly user?: object;
  readonly cluster?: object;
  readonly context?: object;
  readonly name?: string;
}

function config({ user = {}, cluster = {}, context = {}, name = 'dev' }: Parts = {}): string {
  return JSON.stringify({
    'current-context': name,
    clusters: [{ name, cluster: { server: 'https://1.2.3.4:6443', ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, ...context } }],
  });
}

function access(parts: Parts, at = folder()) {
  return kubeconfigAccess({ files: [at.write('config', config(parts))], now: Date.now });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

describe('A kubeconfig', () => {
  it('names the server, its roots and the user, in files or in itself', async () => {
    const at = folder();
    for (const name of ['ca', 'cert', 'key']) at.write(name, name);
    const byFile = access(
      {
        cluster: { 'certificate-authority': 'ca', 'tls-server-name': 'kube' },
        user: { 'client-certificate': 'cert', 'client-key': 'key' },
        context: { namespace: 'shop' },
      },
      at,
    );
    expect(byFile).toMatchObject({ server: 'https://1.2.3.4:6443', namespace: 'shop' });
    const credentials = {
      ca: 'ca',
      certificate: 'cert',
      key: 'key',
      serverName: 'kube',
      skipVerify: false,
      headers: {},
    };
    expect(await byFile.credentials()).toEqual(credentials);
    const inline = access({
      cluster: {
        'certificate-authority-data': base64('ca'),
        'tls-server-name': 'kube',
        'certificate-authority': '/no',
      },
      user: { 'client-certificate-data': base64('cert'), 'client-key-data': base64('key') },
    });
    expect(await inline.credentials()).toEqual(credentials);
    expect(inline.namespace).toBe('default');
  });

  it('says who asks by a token, a file with one that changes, or a password', async () => {
    const at = folder();
    at.write('token', 'one\n');
    const file = access({ user: { tokenFile: 'token', token: 'old' } }, at);
    expect((await file.credentials()).headers).toEqual({ authorization: 'Bearer one' });
    at.write('token', 'two\n');
    expect((await file.credentials()).headers).toEqual({ authorization: 'Bearer two' });
    expect((await access({ user: { token: 't', as: 'jane' } }).credentials()).headers).toEqual({
      authorization: 'Bearer t',
      'impersonate-user': 'jane',
    });
    const basic = access({ user: { username: 'a', password: 'b' } });
    expect((await basic.credentials()).headers).toEqual({ authorization: `Basic ${base64('a:b')}` });
  });

  it('is merged from several files as kubectl does it', async () => {
    const [one, other] = [folder(), folder()];
    other.write('token', 'theirs');
    const files = [
      one.write('config', config({ user: { token: 'first' } })),
      other.write('config', config({ user: { token: 'second' } })),
      other.write('more', config({ user: { tokenFile: 'token' }, name: 'prod' })),
    ];
    const headers = async (context?: string) =>
      (await kubeconfigAccess({ files, context, now: Date.now }).credentials()).headers.authorization;
    expect(await headers()).toBe('Bearer first');
    expect(await headers('prod')).toBe('Bearer theirs');
  });

  it.each([
    ['no context', { contexts: [] }, 'current-context is missing'],
    ['a context that is not there', { 'current-context': 'x' }, 'there is no context "x"'],
    ['a server that is none', JSON.parse(config({ cluster: { server: 'kube' } })), 'is no URL'],
    ['a proxy', JSON.parse(config({ cluster: { 'proxy-url': 'http://p' } })), 'proxy-url of the context dev'],
    ['a provider of old', JSON.parse(config({ user: { 'auth-provider': {} } })), 'use an exec plug-in'],
    ['a plug-in without a command', JSON.parse(config({ user: { exec: {} } })), 'exec.command is missing'],
    ['a list', [], 'is not a kubeconfig'],
  ])('with %s is refused', (_name, content, problem) => {
    const path = folder().write('config', JSON.stringify(content));
    expect(() => kubeconfigAccess({ files: [path], now: Date.now })).toThrow(problem);
    expect(() => kubeconfigAccess({ files: [path], now: Date.now })).toThrow(path);
  });

  it('that is broken is not quoted', () => {
    const path = folder().write('config', 'users: [{ token: secret-token ]]');
    const read = () => kubeconfigAccess({ files: [path], now: Date.now });
    expect(read).toThrow(`${path} is not YAML`);
    expect(read).not.toThrow('secret-token');
  });
});

describe('A credential plug-in', () => {
  /** Counts its runs in a file, and gives the count as its token. */
  function plugin(at: TemporaryFolder, status: string): string {
    const script = `#!/bin/sh\necho x >> "$COUNT"\nN=$(wc -l < "$COUNT" | tr -d ' ')\n${status}\n`;
    const path = at.write('plugin', script, 0o700);
    chmodSync(path, 0o700);
    return path;
  }

  function execAccess(at: TemporaryFolder, now = () => Date.UTC(2026, 0, 1), exec: object = {}) {
    const env = [{ name: 'COUNT', value: `${at.path}/count` }];
    const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: './plugin', env, ...exec } };
    return kubeconfigAccess({ files: [at.write('config', config({ user }))], now });
  }

  it('runs once for each of its tokens, and again when one was refused', async () => {
    const at = folder();
    plugin(at, `echo '{"status":{"token":"token-'$N'","expirationTimestamp":"2026-01-01T01:00:00Z"}}'`);
    let now = Date.UTC(2026, 0, 1);
    const cluster = execAccess(at, () => now);
    const token = async () => (await cluster.credentials()).headers.authorization;
    expect(await Promise.all([token(), token()])).toEqual(['Bearer token-1', 'Bearer token-1']);
    cluster.forget();
    const second = await token();
    expect(second).toBe('Bearer token-2');
    now += 3_600_000 - 30_000;
    expect(await token()).toBe('Bearer token-3');
  });

  it('that gives no end runs once', async () => {
    const at = folder();
    plugin(at, `echo '{"status":{"token":"token-'$N'"}}'`);
    const cluster = execAccess(at);
    await cluster.credentials();
    expect((await cluster.credentials()).headers.authorization).toBe('Bearer token-1');
  });

  it('is told which version it is to speak, and of which cluster', async () => {
    const at = folder();
    plugin(
      at,
      `printf '{"status":{"clientCertificateData":"%s","clientKeyData":"k"}}' "$(echo "$KUBERNETES_EXEC_INFO" | base64 -w0)"`,
    );
    const cluster = execAccess(at, Date.now, { provideClusterInfo: true });
    const { certificate, key } = await cluster.credentials();
    expect(key).toBe('k');
    expect(JSON.parse(Buffer.from(certificate ?? '', 'base64').toString('utf8'))).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: { interactive: false, cluster: { server: 'https://1.2.3.4:6443' } },
    });
  });

  it('that fails is named, and what it has printed is not', async () => {
    const at = folder();
    const path = plugin(at, 'echo secret-token; echo secret-token >&2; exit 3');
    await expect(execAccess(at).credentials()).rejects.toThrow(/^the credential plug-in .*plugin failed \(3\)$/);
    plugin(at, `echo '{"status":{"other":"secret-token"}}'`);
    await expect(execAccess(at).credentials()).rejects.toThrow(`${path} gave neither a token nor a certificate`);
    const missing = execAccess(at, Date.now, { command: 'no-such-plugin', installHint: 'install it' });
    await expect(missing.credentials()).rejects.toThrow('no-such-plugin cannot be found: install it');
  });
});

describe('A pod', () => {
  const variables = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };

  it('finds its API server, and its token anew after each change', async () => {
    const at = folder();
    at.write('ca.crt', 'ca');
    at.write('token', 'one\n');
    at.write('namespace', 'shop');
    const cluster = inClusterAccess(variables, at.path);
    expect(cluster).toMatchObject({ server: 'https://[fd00::1]:6443', namespace: 'shop' });
    expect(await cluster?.credentials()).toEqual({ headers: { authorization: 'Bearer one' }, ca: 'ca' });
    at.write('token', 'two\n');
    expect((await cluster?.credentials())?.headers).toEqual({ authorization: 'Bearer two' });
  });

  it('without a token is none', () => {
    expect(inClusterAccess(variables, folder().path)).toBeUndefined();
    expect(inClusterAccess({})).toBeUndefined();
  });
});

describe('The cluster', () => {
  it('is that of KUBECONFIG, of what is there of it', () => {
    const path = folder().write('config', config());
    const found = findCluster({ variables: { KUBECONFIG: `/missing:${path}`, HOME: '/missing' } });
    expect(found.description).toBe(`context dev of ${path}`);
    expect(() => findCluster({ variables: { KUBECONFIG: '/missing', HOME: '/missing' } })).toThrow(
      '/missing cannot be read',
    );
  });

  it('that is nowhere is an error that says where it was looked for', () => {
    expect(() => findCluster({ variables: { HOME: '/missing' } })).toThrow(
      'KUBECONFIG is not set and there is no /missing/.kube/config',
    );
  });
});
