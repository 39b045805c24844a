// Writes packages/xds/src/gen: the TypeScript of the xDS messages, from the protos inside @grpc/grpc-js-xds and those
// of packages/xds/proto.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const xdsPackage = path.join(repository, 'packages/xds');
const output = path.join(xdsPackage, 'src/gen');
const ownProtos = path.join(xdsPackage, 'proto');

// Files, or folders taken whole; what they import comes along.
const wanted = [
  'envoy/admin/v3/clusters.proto',
  'envoy/admin/v3/config_dump.proto',
  'envoy/service/auth/v3',
  'envoy/service/discovery/v3/ads.proto',
  'envoy/service/discovery/v3/discovery.proto',
  'envoy/service/listener/v3/lds.proto',
  'envoy/service/route/v3/rds.proto',
  'envoy/service/cluster/v3/cds.proto',
  'envoy/service/endpoint/v3/eds.proto',
  'envoy/service/secret/v3/sds.proto',
  'envoy/service/status/v3/csds.proto',
  'envoy/service/load_stats/v3/lrs.proto',
  'envoy/config/bootstrap/v3',
  'envoy/config/listener/v3',
  'envoy/config/route/v3',
  'envoy/config/cluster/v3',
  'envoy/config/endpoint/v3',
  'envoy/config/core/v3',
  'envoy/config/rbac/v3',
  'envoy/extensions/access_loggers/file/v3',
  'envoy/extensions/access_loggers/stream/v3',
  'envoy/extensions/clusters/aggregate/v3',
  'envoy/extensions/filters/http/cors/v3',
  'envoy/extensions/filters/http/ext_authz/v3',
  'envoy/extensions/filters/http/fault/v3',
  'envoy/extensions/filters/http/jwt_authn/v3',
  'envoy/extensions/filters/http/local_ratelimit/v3',
  'envoy/extensions/filters/http/rbac/v3',
  'envoy/extensions/filters/http/router/v3',
  'envoy/extensions/filters/network/http_connection_manager/v3',
  'envoy/extensions/filters/network/tcp_proxy/v3',
  'envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3',
  'envoy/extensions/load_balancing_policies/cluster_provided/v3',
  'envoy/extensions/load_balancing_policies/common/v3',
  'envoy/extensions/load_balancing_policies/least_request/v3',
  'envoy/extensions/load_balancing_policies/maglev/v3',
  'envoy/extensions/load_balancing_policies/pick_first/v3',
  'envoy/extensions/load_balancing_policies/random/v3',
  'envoy/extensions/load_balancing_policies/ring_hash/v3',
  'envoy/extensions/load_balancing_policies/round_robin/v3',
  'envoy/extensions/load_balancing_policies/subset/v3',
  'envoy/extensions/load_balancing_policies/wrr_locality/v3',
  'envoy/extensions/path/match/uri_template/v3',
  'envoy/extensions/retry/host/omit_canary_hosts/v3',
  'envoy/extensions/retry/host/omit_host_metadata/v3',
  'envoy/extensions/retry/host/previous_hosts/v3',
  'envoy/extensions/transport_sockets/raw_buffer/v3',
  'envoy/extensions/transport_sockets/tls/v3',
  'envoy/extensions/upstreams/http/v3',
  'envoy/type/http/v3',
  'envoy/type/matcher/v3',
  'envoy/type/metadata/v3',
  'envoy/type/tracing/v3',
  'envoy/type/v3',
  'google/rpc/code.proto',
  'google/rpc/status.proto',
  'xds/core/v3',
  'xds/type/matcher/v3',
  'xds/type/v3',
  'udpa/type/v1/typed_struct.proto',
  'istio/v1/auth/ca.proto',
  'spiffe/workload/workload.proto',
];

// Annotations that only validators and documentation read. Without them the descriptors, which every process parses when it
// starts, are half the size. udpa.annotations.sensitive stays: it names the fields a config dump must not show.
const unusedAnnotations = [
  'validate',
  'envoy.annotations',
  'xds.annotations.v3',
  'google.api.http',
  'google.api.HttpRule',
  'udpa.annotations.FieldMigrateAnnotation',
  'udpa.annotations.FieldSecurityAnnotation',
  'udpa.annotations.FileMigrateAnnotation',
  'udpa.annotations.MigrateAnnotation',
  'udpa.annotations.PackageVersionStatus',
  'udpa.annotations.StatusAnnotation',
  'udpa.annotations.VersioningAnnotation',
];

/** Generates when the tools, the protos or this script changed since the last time; `force` generates anyway. */
export function generateProtos({ force = false } = {}) {
  const stamp = currentStamp();
  if (!force && readOrEmpty(path.join(output, '.stamp')) === stamp) return false;

  // Beside the output, so that the finished folder can be moved into place in one step.
  fs.mkdirSync(path.join(repository, '.cache'), { recursive: true });
  const work = fs.mkdtempSync(path.join(repository, '.cache/protos-'));
  try {
    collectProtos(path.join(work, 'proto'));
    runBuf(work);
    fs.writeFileSync(path.join(work, 'gen/.stamp'), stamp);
    fs.rmSync(output, { recursive: true, force: true });
    fs.renameSync(path.join(work, 'gen'), output);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  return true;
}

function currentStamp() {
  const hash = createHash('sha256').update(fs.readFileSync(fileURLToPath(import.meta.url)));
  for (const name of fs.readdirSync(ownProtos, { recursive: true }).sort()) {
    if (name.endsWith('.proto')) hash.update(fs.readFileSync(path.join(ownProtos, name)));
  }
  for (const name of ['@bufbuild/buf', '@bufbuild/protoc-gen-es', '@grpc/grpc-js-xds']) {
    const manifest = JSON.parse(fs.readFileSync(path.join(packageFolder(name), 'package.json'), 'utf8'));
    hash.update(`${name}@${manifest.version}\n`);
  }
  return hash.digest('hex');
}

function collectProtos(target) {
  const roots = protoRoots();
  const pending = wanted.flatMap((entry) => protosAt(roots, entry));
  const collected = new Set();
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    // The well-known types come from @bufbuild/protobuf/wkt.
    if (collected.has(file) || file.startsWith('google/protobuf/')) continue;
    collected.add(file);
    const text = fs.readFileSync(locate(roots, file), 'utf8');
    for (const [, imported] of text.matchAll(/^import (?:public |weak )?"([^"]+)";/gm)) pending.push(imported);
    fs.mkdirSync(path.dirname(path.join(target, file)), { recursive: true });
    fs.writeFileSync(path.join(target, file), file === 'validate/validate.proto' ? withIgnoreEmpty(text) : text);
  }
}

function protoRoots() {
  const deps = path.join(packageFolder('@grpc/grpc-js-xds'), 'deps');
  const bundled = ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'];
  return [...bundled.map((folder) => path.join(deps, folder)), ownProtos];
}

function protosAt(roots, entry) {
  if (entry.endsWith('.proto')) return [entry];
  const names = fs.readdirSync(locate(roots, entry)).filter((name) => name.endsWith('.proto'));
  return names.map((name) => `${entry}/${name}`);
}

function locate(roots, entry) {
  const found = roots.map((root) => path.join(root, entry)).find((candidate) => fs.existsSync(candidate));
  if (found === undefined) throw new Error(`neither @grpc/grpc-js-xds nor packages/xds/proto has ${entry}`);
  return found;
}

/**
 * The bundled validate.proto is older than the Envoy protos beside it and lacks this field, so they do not compile together.
 * Its number is free to choose, because the rules do not reach the generated code.
 */
function withIgnoreEmpty(text) {
  if (text.includes('ignore_empty')) return text;
  return text.replace(/^message \w+Rules \{/gm, '$&\n    optional bool ignore_empty = 1000;');
}

function runBuf(work) {
  const plugin = path.join(packageFolder('@bufbuild/protoc-gen-es'), 'bin/protoc-gen-es');
  const template = {
    version: 'v2',
    plugins: [
      {
        local: [process.execPath, plugin],
        out: 'gen',
        opt: ['target=ts', 'import_extension=js'],
        strategy: 'all',
        exclude_types: unusedAnnotations,
      },
    ],
  };
  // The launcher finds the binary of this platform among the optional dependencies; it needs no install script to have run.
  const buf = path.join(packageFolder('@bufbuild/buf'), 'bin/buf');
  const args = [buf, 'generate', 'proto', '--template', JSON.stringify(template)];
  const { status, error } = spawnSync(process.execPath, args, { cwd: work, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) throw new Error(`buf generate failed with exit code ${status}`);
}

function packageFolder(name) {
  const folders = [xdsPackage, repository].map((folder) => path.join(folder, 'node_modules', name));
  const found = folders.find((folder) => fs.existsSync(folder));
  if (found === undefined) throw new Error(`${name} is not installed; run npm ci`);
  return found;
}

function readOrEmpty(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
}

if (process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const generated = generateProtos({ force: process.argv.includes('--force') });
  process.stdout.write(generated ? 'generated packages/xds/src/gen\n' : 'packages/xds/src/gen is up to date\n');
}
