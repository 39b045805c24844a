import { AdsServer, LoadReportServer } from '@inmesh/xds/server';
import { expect, it } from 'vitest';
import { ClientViews } from '../src/client-views.js';
import { initialState } from '../src/config-state.js';
import { debugPages } from '../src/http/debug-pages.js';
import { createMetrics } from '../src/metrics.js';

const logger = { debug() {}, info() {}, warn() {}, error() {} };

it('Kinds of clients whose view is wrong are named by a page and counted by a metric', async () => {
  const cache = new ClientViews({ defaultClient: { namespace: 'default' }, logger });
  const view = { client: 'web', problems: ['web.yaml: error: is wrong'], hasEarlier: false };
  const refused = () => [view, view];
  const pages = debugPages({
    ads: new AdsServer({ cache, logger }),
    loads: new LoadReportServer({ cache, logger }),
    cache: { current: undefined, refused },
    state: () => initialState,
  });
  const { body } = await pages['/debug/issues']!();
  expect(JSON.parse(body)).toMatchObject({ issues: [], refusedViews: [view, view] });
  const metrics = createMetrics(
    () => 0,
    () => refused().length,
  );
  expect(await metrics.text()).toContain('\ninmesh_config_refused_views 2\n');
});
