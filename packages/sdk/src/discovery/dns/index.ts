export { createDns, type Dns, type DnsOptions } from './create-dns.js';
export type { DnsFailureReason } from './dns-answer.js';
export type { DnsEndpoint } from './dns-endpoints.js';
export { DnsWatcher, type DnsWatcherOptions, type Subscription } from './dns-watcher.js';
export { NameResolver } from './name-resolver.js';
export type { Resolution, ServiceResolution } from './resolution.js';
export type { DnsState } from './watch-state.js';
export type { DnsListener } from './watched-target.js';
