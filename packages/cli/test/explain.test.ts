import { describe, expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import { brokenYaml, ConfigFolder, reviewsYaml, routesYaml } from './support/config-folder.js';
import { Running, run } from './support/run.js';

function folderOf(files: Record<string, string>): string {
  return keep(new ConfigFolder(files)).path;
}

const placesYaml = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: places }
spec:
  hosts: [places.example.com]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 10.0.0.1, locality: eu/a }, { address: 10.0.0.2, locality: eu/b }]
`;

const selectingYaml = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: places }
spec:
  host: places.example.com
  workloadSelector: { matchLabels: { tier: a } }
  trafficPolicy: { loadBalancer: { simple: RANDOM } }
`;

const files = { 'reviews.yaml': reviewsYaml, 'routes.yaml': routesYaml };

describe('inmesh explain', () => {
  it('names listener, routes with the reason against each, weights and endpoints', async () => {
    const { code, out } = await run('explain', '--config', folderOf(files), 'http://reviews/reviews/7');
    expect(code).toBe(0);
    expect(out).toMatch(/^GET http:\/\/reviews\/reviews\/7\n/);
    expect(out).toMatch(/listener +reviews\.default\.svc\.cluster\.local:80\n/);
    expect(out).toMatch(/route 1 testers.* -> header end-user exact "jason" does not hold\n/);
    expect(out).toMatch(/route 2 everyone.* -> taken\n/);
    expect(out).toMatch(/90 % outbound\|80\|v1\|reviews\.default\.svc\.cluster\.local .*\n +127\.0\.0\.1:9001 healthy/);
    expect(out).toMatch(/10 % outbound\|80\|v2\|/);
  });

  it('takes method and headers into account', async () => {
    const flags = ['--method', 'post', '--header', 'End-User: jason'];
    const { out } = await run('explain', '--config', folderOf(files), 'http://reviews/', ...flags);
    expect(out).toMatch(/^POST /);
    expect(out).toMatch(/route 1 testers.* -> taken\n/);
    expect(out).toMatch(/100 % outbound\|80\|v2\|/);
  });

  it('prints JSON for machines', async () => {
    const { out } = await run('explain', '--json', '--config', folderOf(files), 'http://reviews/');
    expect(JSON.parse(out)).toMatchObject({ routes: [{ taken: false }, { taken: true }] });
  });

  it('completes names with the namespace of the caller', async () => {
    const path = folderOf(files);
    expect((await run('explain', '--config', path, '--namespace', 'elsewhere', 'http://reviews/')).out).toContain(
      'not in the configuration',
    );
    const qualified = await run('explain', '--config', path, '--namespace', 'elsewhere', 'http://reviews.default/');
    expect(qualified.out).toContain('route 2 everyone');
  });

  it.each([
    ['http://reviws/', 'did you mean "reviews.default.svc.cluster.local"?'],
    ['http://reviews:81/', 'reviews.default.svc.cluster.local has port 80'],
    ['http://reviews.elsewhere/', 'did you mean "reviews.default.svc.cluster.local"?'],
  ])('hints at what the configuration has instead of %s', async (url, hint) => {
    const { code, out } = await run('explain', '--config', folderOf(files), url);
    expect(code).toBe(0);
    expect(out).toMatch(/not in the configuration/);
    expect(out).toContain(`\n  ${hint}\n`);
  });

  it('hints at nothing where nothing is near', async () => {
    const { out } = await run('explain', '--config', folderOf(files), 'http://example.com/');
    expect(out).toMatch(/not in the configuration[^\n]*\n$/);
  });

  it('answers for a caller with these labels, at this place', async () => {
    const path = folderOf({ ...files, 'places.yaml': placesYaml, 'selecting.yaml': selectingYaml });
    const first = async (...flags: string[]) => {
      const { out } = await run('explain', '--json', '--config', path, 'http://places.example.com/', ...flags);
      const explanation = JSON.parse(out) as { action: { clusters: { loadBalancer: string }[] } };
      return explanation.action.clusters[0]?.loadBalancer;
    };
    expect(await first()).toContain('leastRequest');
    expect(await first('--labels', 'tier=a,app=b')).toContain('random');
    const { out } = await run('validate', path, '--labels', 'tier=a', '--locality', 'eu/a');
    expect(out).toContain('0 errors');
  });

  it.each([
    [['--labels', 'tier'], '--labels: "tier" is not key=value'],
    [['--locality', '/a'], '--locality: "/a" is not region/zone/subzone'],
  ])('refuses a caller that it cannot read: %s', async (flags, problem) => {
    for (const command of [
      ['explain', 'http://a/', '--config', folderOf(files)],
      ['validate', folderOf(files)],
    ]) {
      const { code, err } = await run(...(command as [string]), ...flags);
      expect(code).not.toBe(0);
      expect(err).toContain(problem);
    }
  });

  it('says what is wrong with broken files instead', async () => {
    const path = folderOf({ ...files, 'broken.yaml': brokenYaml });
    const { code, out, err } = await run('explain', '--config', path, 'http://reviews/');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/broken\.yaml:\d+:\d+: error: /);
  });

  it('refuses what is not http', async () => {
    const { code, err } = await run('explain', '--config', folderOf(files), 'ftp://reviews/');
    expect(code).toBe(1);
    expect(err).toContain('not an http or https URL');
  });

  it('asks a config server when told to', async () => {
    const argv = ['serve', '--config', folderOf(files), '--xds-port', '0', '--metrics-port', '0', '--debug-port', '0'];
    const server = keep(new Running(argv));
    await expect.poll(() => server.addresses, { timeout: 10_000 }).toBeDefined();
    const { code, out } = await run('explain', '--xds', server.addresses!.xds!, 'http://reviews/');
    expect(code).toBe(0);
    expect(out).toMatch(/route 2 everyone.* -> taken\n/);
  });
});
