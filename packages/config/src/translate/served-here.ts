import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HttpConnectionManagerSchema } from '@inmesh/xds/messages';

/** Of whoever serves requests and does not forward them: every request is taken. */
export const servedHere = {
  case: 'routeConfig',
  value: {
    name: 'inbound',
    virtualHosts: [
      {
        name: 'inbound',
        domains: ['*'],
        routes: [
          {
            match: { pathSpecifier: { case: 'prefix', value: '/' } },
            action: { case: 'nonForwardingAction', value: {} },
          },
        ],
      },
    ],
  },
} as const satisfies MessageInitShape<typeof HttpConnectionManagerSchema>['routeSpecifier'];
