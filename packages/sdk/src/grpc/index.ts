export { type GrpcClientConstructor, type MeshChannelOptions, MeshGrpc } from './mesh-grpc.js';
export type { GrpcAuthorize, GrpcRefusal, IncomingGrpcCall } from './server/authorize.js';
export type { GrpcDrainOptions } from './server/grpc-servers.js';
export type { GrpcHealth, HealthStatus } from './server/health.js';
export type { GrpcServerOptions } from './server/server-interceptor.js';
