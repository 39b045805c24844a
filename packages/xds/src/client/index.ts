export { AdsClient, type AdsClientOptions, type AdsStatus } from './ads-client.js';
export type { AdsConnection, Connect, ConnectionHandlers } from './connection.js';
export type { NodeIdentity } from './node.js';
