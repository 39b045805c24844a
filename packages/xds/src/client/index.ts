export { certificateService } from '../grpc/certificate-service.js';
export { AdsClient, type AdsClientOptions, type AdsStatus, type ConnectTo } from './ads-client.js';
export type { AdsConnection, Connect, ConnectIncrementally, ConnectionHandlers } from './connection.js';
export { LastGoodCopy, type LastGoodCopyOptions } from './last-good/last-good-copy.js';
export type { NodeIdentity } from './node.js';
export { type CertificateCredentials, requestCertificate } from './request-certificate.js';
export { type ClientIdentity, insecureServer, type XdsServerConfig, type XdsServerFeatures } from './server-config.js';
export type { AdsVariant } from './servers/server-link.js';
