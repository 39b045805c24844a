import { createMesh, type Mesh, type MeshOptions } from 'inmesh';
import { prometheus } from 'inmesh/prometheus';
import { ConfigFolder } from './config-folder.js';
import { IdentityFolder } from './identity-folder.js';
import { keep } from './keep.js';
import type { TestIdentity } from './mesh-authority.js';
import type { SecretScan } from './secret-scan.js';

export const strictYaml = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: default }
spec: { mtls: { mode: STRICT } }
`;

/** A mesh on a folder of YAML, with an identity of files, all of whose words `scan` hears. */
export async function scannedMesh(
  scan: SecretScan,
  yaml: Readonly<Record<string, string>>,
  identity: TestIdentity,
  options: MeshOptions = {},
): Promise<Mesh> {
  const config = keep(new ConfigFolder());
  for (const [name, text] of Object.entries(yaml)) config.write(name, text);
  const folder = keep(new IdentityFolder(identity));
  const { logger } = scan;
  const telemetry = [prometheus({ register: scan.registry })];
  const given = { config: config.path, identity: folder.path, logger, telemetry, ...options };
  const mesh = keep(await createMesh(given));
  scan.watch(mesh);
  await mesh.ready();
  return mesh;
}
