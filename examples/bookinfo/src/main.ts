// `npm start`: the shop as separate processes, and a config server that tells them how to call each other.
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Demo, type Started } from './demo/demo.js';
import { endOnSignals } from './demo/end-on-signals.js';
import { createScreen } from './demo/screen.js';

const { BOOKINFO_CONFIG, BOOKINFO_PORT = '0' } = process.env;
const configFolder = resolve(BOOKINFO_CONFIG ?? fileURLToPath(new URL('../config', import.meta.url)));
const screen = createScreen(process.stdout);
const demo = new Demo({ configFolder, pagePort: Number(BOOKINFO_PORT), say: (line) => screen.say(line) });
let table: NodeJS.Timeout | undefined;

process.once('exit', () => demo.kill());
endOnSignals(async () => {
  clearInterval(table);
  screen.say('Ending.');
  await demo.stop();
});

const started = await demo.start().catch((error: Error) => {
  screen.say(error.message);
  process.exit(1);
});
screen.say(`READY ${started.url}`);
screen.say(invitation(started, shortest(configFolder)));
table = setInterval(async () => {
  const lines = await demo.table();
  if (!demo.ending) screen.showTable(lines);
}, screen.tableEveryMs);

function shortest(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}

function invitation({ url, xds, strict }: Started, config: string): string {
  return `
Open the page, then ${url}/productpage?user=jason
To shift traffic, edit and save  ${join(config, 'virtual-service.yaml')}
To see where a request would go, and why:
  npm run inmesh -- explain --xds ${xds} http://reviews:9080/reviews/0 --header 'end-user: jason'
To be refused, for want of a certificate:
  curl ${strict}
To check what you wrote:
  npm run inmesh -- validate ${config}
Ctrl-C ends it all.`;
}
