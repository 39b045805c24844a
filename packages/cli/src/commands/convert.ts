import { convertFiles, formatIssue } from '@inmesh/config';
import { listYamlFiles, readYamlFile } from '@inmesh/config/folder';
import { type Command, parseFlags, requirePaths } from '../command.js';
import { type Io, writeLine } from '../io.js';

export const convert: Command = {
  summary: 'write kinds of old Istio in their form of today',
  help: `inmesh convert PATH...

Prints what stands in files and folders as RbacConfig, ServiceRole, ServiceRoleBinding, and authentication Policy or
MeshPolicy in the form of today: AuthorizationPolicy, PeerAuthentication, RequestAuthentication. Give the Services, too, for a
Policy with targets. What could not be carried over is said on stderr: read the result before it is used.`,
  run,
};

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { positionals } = parseFlags(argv, { options: {}, allowPositionals: true });
  const paths = requirePaths(positionals, 'a PATH');
  const files = await Promise.all((await listYamlFiles(paths)).map(readYamlFile));
  const { yaml, notes, issues } = convertFiles(files);
  for (const issue of issues) writeLine(io.err, formatIssue(issue));
  for (const note of notes) writeLine(io.err, `note: ${note}`);
  const isBroken = issues.some(({ severity }) => severity === 'error');
  if (yaml !== '') io.out.write(yaml);
  else if (!isBroken) writeLine(io.err, `nothing to convert in ${paths.join(', ')}`);
  return isBroken ? 1 : 0;
}
