export {
  type ClientKind,
  type ClientLocality,
  type ClientTraits,
  type ClientView,
  clientKey,
  type EgressMode,
  type InterceptionMode,
} from './client.js';
export { ConfigSet, type ConfigUpdate } from './config-set.js';
export { type Conversion, convertFiles } from './convert/convert-files.js';
export { parseGoDuration } from './durations.js';
export { editYamlNumbers, type NumberEdit, readYamlDocuments } from './edit-yaml.js';
export { FileSet } from './file-set.js';
export { formatIssue, type Issue } from './issues.js';
export { type LoadedConfig, type LoadOptions, loadConfig } from './load-config.js';
export { type LoadedObjects, loadYaml, type SourceFile } from './load-yaml.js';
export { nearest } from './nearest.js';
export {
  type ConfigObject,
  type FieldPath,
  formatPath,
  isRecord,
  type ObjectSource,
  type Position,
} from './objects.js';
export { readAnnotations } from './read-annotations.js';
export { type SelectingPolicy, unlabelledProblem } from './translate/security/selecting-policies.js';
export { type Translation, translate } from './translate/translate.js';
