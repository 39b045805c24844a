import type { CertificateAuthority } from '../ca/authority.js';
import { type CaOptions, hostsOf } from '../ca/ca-options.js';
import type { AuthorityTools } from '../ca/open-authority.js';
import type { PublishedRoots } from '../roots/publish-roots.js';
import { CaBundleKeeper } from './ca-bundle-keeper.js';
import { type JudgeOptions, judge } from './judge.js';
import { defaultWebhookOptions, type WebhookOptions } from './webhook-options.js';
import { openWebhookPort, type ReviewResult, type WebhookPort } from './webhook-port.js';

export interface OpenWebhookOptions extends AuthorityTools {
  readonly webhook: WebhookOptions;
  readonly ca: CaOptions;
  readonly authority: CertificateAuthority;
  readonly host: string;
  readonly clusterDomain: string | undefined;
  readonly defaultNamespace: string | undefined;
  /** What is in use now. */
  readonly current: JudgeOptions['current'];
  readonly roots: Pick<PublishedRoots, 'isLeader' | 'onLead'>;
  readonly count: (result: ReviewResult) => void;
}

/** @throws Error when the port cannot be opened */
export async function openWebhook(options: OpenWebhookOptions): Promise<WebhookPort> {
  const { webhook, ca, authority, host, clusterDomain, defaultNamespace, current, count } = options;
  const { clock, now, logger, kubernetes, roots } = options;
  const { configuration, port = defaultWebhookOptions.port } = webhook;
  const opened = await openWebhookPort({
    ...{ authority, clock, now, logger, count },
    at: { host, port, flag: '--webhook-port' },
    hosts: hostsOf(ca, host, clusterDomain ?? 'cluster.local'),
    judge: (request) => judge(request, { clusterDomain, defaultNamespace, current }),
  });
  if (configuration === undefined || kubernetes === undefined) return opened;
  const keeper = new CaBundleKeeper({
    client: kubernetes,
    configuration,
    authority,
    clock,
    logger,
    isLeader: roots.isLeader,
  });
  roots.onLead(() => keeper.look());
  return {
    address: opened.address,
    close: async () => {
      await keeper.close();
      await opened.close();
    },
  };
}
