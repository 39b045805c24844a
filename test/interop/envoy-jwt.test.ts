import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { attacks } from '../../packages/sdk/test/authentication/attack-tokens.js';
import { type Answer, send } from '../../packages/sdk/test/server/client.js';
import { ConfigFolder } from '../support/config-folder.js';
import { servePoliced } from '../support/policed-service.js';
import { closeAfterEach } from '../support/seeds.js';
import { Draws } from './support/draws.js';
import { joinEnvoy } from './support/envoy-mesh.js';
import { fixedPort } from './support/fixed-port.js';
import { generateRequest, type JwtRequest, jwtPolicies } from './support/jwt-requests.js';
import { policedListener } from './support/policed-listener.js';

const keep = closeAfterEach();

/** `INMESH_SEED=n` replays another run. */
const seed = Number(process.env.INMESH_SEED ?? 2026);
const requests = 1000;

interface Compared {
  readonly request: JwtRequest;
  readonly envoy: Answer;
  readonly own: Answer;
}

async function bothOf() {
  const files = { 'all.yaml': jwtPolicies };
  const port = await fixedPort();
  await joinEnvoy(keep, keep(new ConfigFolder()), 'GRPC', { listeners: [policedListener(files, port, undefined)] });
  const own = await servePoliced(keep, files);
  return async (request: JwtRequest): Promise<Compared> => {
    const [ofEnvoy, ofOwn] = await Promise.all([send(port, request), send(own.port, request)]);
    return { request, envoy: ofEnvoy, own: ofOwn };
  };
}

const isLetIn = ({ status }: Answer) => status === 200;

interface Difference {
  /** As docs/security.md has it. */
  readonly title: string;
  readonly applies: (compared: Compared) => boolean;
}

const authorizationOf = ({ request }: Compared) => request.headers.authorization ?? '';
const textIn = ({ path, headers }: JwtRequest) => `${Object.values(headers).join('\n')}\n${path}`;
const isSaid = (text: string) => (compared: Compared) => compared.own.body === text;

/** Where we refuse what an Envoy lets in. */
const deliberate: readonly Difference[] = [
  {
    title: 'a prefix in another case, or not at the beginning',
    applies: (compared) => {
      const text = authorizationOf(compared);
      return /bearer /i.test(text) && !text.startsWith('Bearer ');
    },
  },
  { title: 'more beside the token', applies: (compared) => /^Bearer +\S+([ ,].)/.test(authorizationOf(compared)) },
  {
    title: 'dots before, after or twice between the parts',
    applies: ({ request }) => /[ =]\.|\.\.|\.$/m.test(textIn(request)),
  },
  {
    title: 'a parameter that is there twice',
    applies: ({ request }) => /access_token.*access_token/.test(request.path),
  },
  { title: '`azp` that is no text', applies: isSaid('Jwt payload has a registered claim that is not of its type') },
  { title: '`exp` of 0', applies: isSaid('Jwt is expired') },
  { title: 'a signature of ECDSA with bytes to spare', applies: isSaid('Jwt verification fails') },
];

/** The same, of attacks. */
const refusedByUsAlone: Readonly<Record<string, string>> = {
  'another spelling of its signature': 'base64url with odd last bits',
  'a critical header that nobody knows': '`crit`',
  'a payload that is not encoded': '`b64: false`',
};

const textOf = ({ request, envoy, own }: Compared) =>
  `seed ${seed}: Envoy ${envoy.status} ${envoy.body}, own ${own.status} ${own.body}: ${JSON.stringify(request)}`;

describe('The tokens of an Envoy and ours', () => {
  it(`are taken and refused alike in ${requests} requests, but for what the documentation says, where we refuse`, async () => {
    const compare = await bothOf();
    const draws = new Draws(seed);
    const now = Math.floor(Date.now() / 1000);
    const all: Compared[] = [];
    for (let i = 0; i < requests; i += 1) all.push(await compare(await generateRequest(draws, now)));
    const differing = all.filter(({ envoy, own }) => isLetIn(envoy) !== isLetIn(own));
    expect(differing.filter(({ own }) => isLetIn(own)).map(textOf)).toEqual([]);
    const isKnown = (one: Compared) => deliberate.some(({ applies }) => applies(one));
    expect(differing.filter((one) => !isKnown(one)).map(textOf)).toEqual([]);
    expect(all.filter(({ envoy, own }) => isLetIn(envoy) && isLetIn(own)).length).toBeGreaterThan(100);
    expect(new Set(all.map(({ envoy }) => envoy.status))).toEqual(new Set([200, 401, 403]));
  });

  it('refuse every attack of FAULTS.md d4', async () => {
    const compare = await bothOf();
    const taken: string[] = [];
    for (const { what, make } of attacks(Math.floor(Date.now() / 1000))) {
      const headers = { authorization: `Bearer ${await make()}` };
      const { envoy, own } = await compare({ method: 'GET', path: '/open', headers });
      expect([what, own.status]).toEqual([what, 401]);
      if (isLetIn(envoy)) taken.push(what);
    }
    expect(taken).toEqual(Object.keys(refusedByUsAlone));
  });

  it('differ as the documentation says', () => {
    const text = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
    const [, section = ''] = text.split('Envoy takes these, and they are refused here:\n');
    const documented = [...section.split('\n\n')[0]!.matchAll(/^- (.*)[;.]$/gm)].map(([, title]) => title);
    expect(documented).toEqual([...deliberate.map(({ title }) => title), ...Object.values(refusedByUsAlone)]);
  });
});
