import { type Issue, type LoadOptions, loadConfig } from '@inmesh/config';
import { listYamlFiles, readYamlFile } from '@inmesh/config/folder';
import { checkResources } from '@inmesh/control-plane';

/** What the config server would say of files. */
export interface FileCheck {
  readonly files: number;
  readonly objects: number;
  readonly issues: readonly Issue[];
  /** What clients would refuse of the translation. Errors, too, but nobody knows of which line. */
  readonly inconsistencies: readonly string[];
  readonly errors: number;
  /** `host:port` of all that is routed. */
  readonly listeners: readonly string[];
  readonly warnings: number;
}

/** @throws Error when a path cannot be read */
export async function checkFiles(paths: readonly string[], options: LoadOptions): Promise<FileCheck> {
  const files = await Promise.all((await listYamlFiles(paths)).map(readYamlFile));
  const { resources, issues, objects } = loadConfig(files, options);
  const count = (severity: Issue['severity']) => issues.filter((issue) => issue.severity === severity).length;
  const errors = count('error');
  // A translation of files with errors is incomplete, and what is wrong with it follows from them.
  const inconsistencies = errors === 0 ? checkResources(resources).problems : [];
  return {
    files: files.length,
    objects,
    issues,
    inconsistencies,
    errors: errors + inconsistencies.length,
    warnings: count('warning'),
    listeners: [...resources.listeners.keys()].filter((name) => name.includes(':')),
  };
}
