export { AdsClient, type AdsClientOptions, type AdsStatus, type AdsVariant } from './ads-client.js';
export type { AdsConnection, Connect, ConnectIncrementally, ConnectionHandlers } from './connection.js';
export type { NodeIdentity } from './node.js';
