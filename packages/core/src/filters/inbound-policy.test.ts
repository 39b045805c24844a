import { describe, expect, it } from 'vitest';
import { awaitedInbound, InboundPolicy } from '../authorization/inbound-policy.js';
import type { RbacRules } from '../model/authorization.js';
import type { InboundChain, InboundFilter } from '../model/inbound-listener.js';
import type { InboundConnection } from '../model/peer.js';
import type { LocalResponse } from '../service.js';
import { MeshSnapshot } from '../snapshot.js';
import { FakeReply } from '../testing/fake-reply.js';
import { testCall } from '../testing/index.js';
import { type InboundChecks, inboundPolicyFilter } from './inbound-policy.js';

const any = { kind: 'any' } as const;

function rules(action: RbacRules['action'], name = 'p', matches = true): RbacRules {
  const permissions = [matches ? any : ({ kind: 'not', permission: any } as const)];
  return { action, policies: [{ name, permissions, principals: [any] }] };
}

const rbac = (value: RbacRules, shadow = false): InboundFilter => ({ kind: 'rbac', rules: value, shadow });

function chain(filters: readonly InboundFilter[], init: Partial<InboundChain> = {}): InboundChain {
  return { port: 0, transport: 'plaintext', clientCertificate: 'optional', filters, ...init };
}

const plain: InboundConnection = {
  isTls: false,
  peer: undefined,
  serverName: '',
  localAddress: '127.0.0.1',
  localPort: 9080,
  remoteAddress: '127.0.0.1',
};

interface Setup {
  chains?: readonly InboundChain[] | undefined;
  inbound?: InboundPolicy;
  connection?: Partial<InboundConnection>;
  authenticate?: InboundChecks['authenticate'];
  askService?: InboundChecks['askService'];
}

async function send({ chains, connection, authenticate, askService, ...given }: Setup) {
  const inbound = given.inbound ?? (chains && new InboundPolicy({ name: 'virtualInbound', chains }));
  const maps = { listeners: new Map(), routeTables: new Map(), clusters: new Map() };
  const call = testCall({ snapshot: new MeshSnapshot({ generation: 1, ...maps, searchDomains: [], inbound }) });
  call.connection = { ...plain, ...connection };
  const decisions: unknown[] = [];
  const notTaken: string[] = [];
  let handled = 0;
  const filter = inboundPolicyFilter({
    normalize: () => undefined,
    authenticate: authenticate ?? (() => undefined),
    askService: askService ?? (() => undefined),
    onDecision: (_call, decision) => decisions.push(decision),
    onNotTaken: (_call, reason) => notTaken.push(reason),
  });
  const reply = await filter(async () => {
    handled += 1;
    return new FakeReply(200);
  })(call);
  return { status: reply.httpStatus, reason: reply.header('x-inmesh-reason'), handled, decisions, notTaken };
}

const passed = { status: 200, handled: 1 };
const refused = { status: 403, handled: 0, reason: 'unauthorized' };

describe('a workload', () => {
  it('without policies takes every call', async () => {
    expect(await send({})).toMatchObject(passed);
  });

  it('takes what its deny policies let pass and one of its allow policies names', async () => {
    const allow = rbac(rules('allow'));
    expect(await send({ chains: [chain([rbac(rules('deny', 'p', false)), allow])] })).toMatchObject(passed);
    expect(await send({ chains: [chain([rbac(rules('deny')), allow])] })).toMatchObject(refused);
    expect(await send({ chains: [chain([rbac({ action: 'allow', policies: [] })])] })).toMatchObject(refused);
  });

  it('tells of what refuses, and of what would', async () => {
    const chains = [chain([rbac(rules('deny', 'tried out'), true), rbac(rules('log', 'audit')), rbac(rules('deny'))])];
    expect((await send({ chains })).decisions).toEqual([
      { action: 'deny', allowed: false, shadow: true, policy: 'tried out' },
      { action: 'log', allowed: true, shadow: false, policy: 'audit' },
      { action: 'deny', allowed: false, shadow: false, policy: 'p' },
    ]);
  });

  it('whose configuration is awaited takes nobody, and says that it is not ready', async () => {
    const inbound = new InboundPolicy(awaitedInbound);
    const notReady = { status: 503, reason: 'not_ready', handled: 0, notTaken: ['not_ready'] };
    expect(await send({ inbound })).toMatchObject(notReady);
    expect(await send({ inbound, connection: { isTls: true } })).toMatchObject(notReady);
  });

  it('that wants TLS takes no plain text', async () => {
    const chains = [chain([], { transport: 'tls', clientCertificate: 'required' })];
    expect(await send({ chains })).toMatchObject({ ...refused, notTaken: ['plaintext'] });
    expect(await send({ chains, connection: { isTls: true } })).toMatchObject(passed);
  });

  it('may want it on one port alone', async () => {
    const chains = [chain([]), chain([], { transport: 'tls' }), chain([], { transport: 'tls', port: 9443 })];
    expect(await send({ chains })).toMatchObject(passed);
    expect(await send({ chains, connection: { localPort: 9443 } })).toMatchObject(refused);
    expect(await send({ chains, connection: { localPort: 9443, isTls: true } })).toMatchObject(passed);
  });
});

describe('checks that are made elsewhere', () => {
  const refusal: LocalResponse = { httpStatus: 401, headers: ['x-inmesh-reason', 'unauthorized'], body: '', flags: '' };
  const jwt: InboundFilter = { kind: 'jwt', authentication: { providers: [], rules: [] } };

  it.each([
    ['at once', () => refusal],
    ['later', async () => refusal],
  ])('refuse %s, and what comes after them is not asked', async (_when, authenticate) => {
    const outcome = await send({ chains: [chain([jwt, rbac(rules('log'))])], authenticate });
    expect(outcome).toMatchObject({ status: 401, handled: 0, decisions: [] });
  });

  it('let the rest of the chain decide', async () => {
    const authenticate = async () => undefined;
    expect(await send({ chains: [chain([jwt, rbac(rules('deny'))])], authenticate })).toMatchObject(refused);
    expect(await send({ chains: [chain([jwt])], authenticate })).toMatchObject(passed);
  });

  it('are asked only about the calls that they are for', async () => {
    const authorization = {
      name: 'opa',
      service: { kind: 'grpc', cluster: 'opa' },
      timeoutMs: 200,
      failOpen: false,
      statusOnError: 403,
      includedRequestHeaders: [],
      headersToUpstreamOnAllow: [],
      headersToDownstreamOnDeny: [],
      headersToDownstreamOnAllow: [],
    } as const;
    const asking = (when: RbacRules | undefined): InboundFilter => ({
      kind: 'externalAuthorization',
      authorization: { ...authorization, when },
    });
    const askService = () => refusal;
    expect(await send({ chains: [chain([asking(undefined)])], askService })).toMatchObject({ status: 401 });
    expect(await send({ chains: [chain([asking(rules('deny', 'p'))])], askService })).toMatchObject({ status: 401 });
    expect(await send({ chains: [chain([asking(rules('deny', 'p', false))])], askService })).toMatchObject(passed);
  });
});
