import { type LoopOrder, loop } from './loop.js';
import { variants } from './variants.js';

const [name = '', url = ''] = process.argv.slice(2);
const variant = variants[name];
if (variant === undefined) throw new Error(`no variant ${name}; there are ${Object.keys(variants).join(', ')}`);
const send = await variant(url);
process.on('message', async (order: LoopOrder) => process.send?.(await loop(send, order)));
process.once('disconnect', () => process.exit());
process.send?.('ready');
