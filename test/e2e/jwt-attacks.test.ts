import { credentials } from '@grpc/grpc-js';
import { prometheus } from 'inmesh/prometheus';
import { describe, expect, it } from 'vitest';
import {
  attacks,
  audience,
  ec,
  goodClaims,
  issuer,
  nameless,
  partner,
  partnerIssuer,
  rsa,
} from '../../packages/sdk/test/authentication/attack-tokens.js';
import { keySet, sign } from '../../packages/sdk/test/authentication/issuer.js';
import { grpcServer } from '../../packages/sdk/test/grpc/interop-server.js';
import { TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { send } from '../../packages/sdk/test/server/client.js';
import { startKeyServer } from '../support/key-server.js';
import { servePoliced } from '../support/policed-service.js';
import { scanForSecrets } from '../support/secret-scan.js';
import { closeAfterEach } from '../support/seeds.js';

const keep = closeAfterEach();
const scan = scanForSecrets();

/** What proves a token may be told nowhere. */
const guarded = (token: string) => {
  const [, , signature = ''] = token.split('.');
  if (signature.length >= 12) scan.guard('the signature of a token', signature);
  return token;
};

/** Two issuers, one whose keys are fetched and one whose keys are here. */
const policy = (uri: string) => `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: default }
spec:
  jwtRules:
    - { issuer: "${issuer}", audiences: [${audience}], jwksUri: "${uri}" }
    - { issuer: "${partnerIssuer}", jwks: '${keySet([partner])}' }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: with-a-token, namespace: default }
spec: { rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }] }
`;

async function attacked() {
  const keyServer = keep(await startKeyServer([rsa, ec, nameless]));
  const { registry, lines, logger } = scan;
  const service = await servePoliced(
    keep,
    { 'policy.yaml': policy(keyServer.uri) },
    { telemetry: [prometheus({ register: registry })], logger },
  );
  const now = Math.floor(Date.now() / 1000);
  const refusals = async (reason: string) => {
    const text = await registry.getSingleMetricAsString('inmesh_requests_unauthenticated_total');
    return Number(new RegExp(`reason="${reason}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
  };
  return { ...service, keyServer, lines, now, refusals };
}

describe('each attack of FAULTS.md d4', () => {
  it('is answered by HTTP with 401 and its reason, in answer, metric and log, and reaches no handler', async () => {
    const { port, handled, keyServer, lines, now, refusals } = await attacked();
    const counted = new Map<string, number>();
    for (const { what, make, says, reason } of attacks(now)) {
      const token = guarded(await make());
      const { status, headers, body } = await send(port, { headers: { authorization: `Bearer ${token}` } });
      counted.set(reason, (counted.get(reason) ?? 0) + 1);
      expect([what, status, body]).toEqual([what, 401, says]);
      expect(headers['www-authenticate']).toBe(`Bearer realm="http://127.0.0.1:${port}/", error="invalid_token"`);
      expect(await refusals(reason)).toBe(counted.get(reason));
      expect(lines.at(-1)).toContain(`a token is refused ${JSON.stringify({ reason: says }).slice(0, -1)}`);
    }
    expect(handled).toEqual([]);
    expect(keyServer.asked).toBe(1);
    const good = await send(port, {
      headers: { authorization: `Bearer ${guarded(await sign(rsa, goodClaims(now)))}` },
    });
    expect(good.status).toBe(200);
  });

  it('is answered by gRPC with UNAUTHENTICATED and its reason, and reaches no handler', async () => {
    const { mesh, now, refusals } = await attacked();
    let handled = 0;
    const server = await grpcServer({
      options: { interceptors: [mesh.grpc.serverInterceptor()] },
      unary: async () => {
        handled += 1;
      },
    });
    keep({ close: async () => server.close() });
    const client = new TestService(`127.0.0.1:${server.port}`, credentials.createInsecure());
    keep({ close: async () => client.close() });
    for (const { what, make, says } of attacks(now)) {
      const { error } = await unary(client, {}, { metadata: { authorization: `Bearer ${guarded(await make())}` } });
      expect([what, error?.code, error?.details]).toEqual([what, 16, says]);
    }
    expect(handled).toBe(0);
    expect(await refusals('bad_algorithm')).toBe(
      attacks(now).filter(({ reason }) => reason === 'bad_algorithm').length,
    );
    expect(
      (await unary(client, {}, { metadata: { authorization: `Bearer ${guarded(await sign(ec, goodClaims(now)))}` } }))
        .error,
    ).toBeNull();
    expect(handled).toBe(1);
  });

  it('gives nobody a longer answer or more memory for a token of the greatest length', async () => {
    const { port, handled } = await attacked();
    const { status } = await send(port, { headers: { authorization: `Bearer ${'a'.repeat(20_000)}` } });
    expect(status).toBe(431);
    const within = await send(port, { headers: { authorization: `Bearer ${'a.'.repeat(7000)}` } });
    expect(within.status).toBe(401);
    expect(within.body.length).toBeLessThan(100);
    expect(handled).toEqual([]);
  });
});
