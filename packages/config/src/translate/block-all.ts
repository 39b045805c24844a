import { create } from '@bufbuild/protobuf';
import { type RouteConfiguration, RouteConfigurationSchema } from '@inmesh/xds/messages';

/** The listener that takes every host and port that no other one does. */
export const everyOtherHost = '*';

/** Istio's name and answer for what a client may not call. */
const name = 'block_all';

export function buildBlockAll(): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name,
    virtualHosts: [
      {
        name,
        domains: ['*'],
        routes: [
          {
            name,
            match: { pathSpecifier: { case: 'prefix', value: '/' } },
            action: { case: 'directResponse', value: { status: 502 } },
          },
        ],
      },
    ],
  });
}
