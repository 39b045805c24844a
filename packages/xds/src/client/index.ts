export { AdsClient, type AdsClientOptions, type AdsStatus, type ConnectTo } from './ads-client.js';
export type { AdsConnection, Connect, ConnectIncrementally, ConnectionHandlers } from './connection.js';
export { LastGoodCopy, type LastGoodCopyOptions } from './last-good/last-good-copy.js';
export type { NodeIdentity } from './node.js';
export { insecureServer, type XdsServerConfig, type XdsServerFeatures } from './server-config.js';
export type { AdsVariant } from './servers/server-link.js';
