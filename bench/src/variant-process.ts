import { type LoopOrder, loop } from './loop.js';
import { suiteOf } from './suites.js';

const [suite = '', name = '', port = '', identities = ''] = process.argv.slice(2);
const { variants } = suiteOf(suite);
const variant = variants[name];
if (variant === undefined) throw new Error(`no variant ${name}; there are ${Object.keys(variants).join(', ')}`);
const send = await variant({ port: Number(port), identities });
process.on('message', async (order: LoopOrder) => process.send?.(await loop(send, order)));
process.once('disconnect', () => process.exit());
process.send?.('ready');
