export { type GrpcClientConstructor, type MeshChannelOptions, MeshGrpc } from './mesh-grpc.js';
