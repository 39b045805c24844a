import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

/** What @grpc/proto-loader makes of a proto file with this text. */
export function loadProto(proto: string): PackageDefinition {
  const folder = mkdtempSync(path.join(tmpdir(), 'inmesh-grpc-'));
  const file = path.join(folder, 'test.proto');
  writeFileSync(file, proto);
  const definition = loadSync(file, { keepCase: true, defaults: true, enums: String });
  rmSync(folder, { recursive: true });
  return definition;
}
