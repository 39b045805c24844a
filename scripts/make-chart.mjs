// Makes the templates of the Helm chart from the Kustomize base, so that there is one source, and the schema of its values from
// values.yaml. With --check it writes nothing and fails where they differ.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { editAvailability, editDeployment, editNetworkPolicy, editRbac, editWebhook, suffix } from './chart-edits.mjs';
import { chartSchema } from './chart-schema.mjs';

const k8s = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'k8s');
const chart = path.join(k8s, 'chart/inmesh');
const templates = path.join(chart, 'templates');
const header = '# Made by scripts/make-chart.mjs from';

/** What comes of which file; `only`: when these values say so. */
const sources = [
  { file: 'base/service-account.yaml' },
  { file: 'base/rbac.yaml', edit: editRbac },
  { file: 'base/deployment.yaml', edit: editDeployment },
  { file: 'base/services.yaml' },
  { file: 'base/availability.yaml', edit: editAvailability },
  { file: 'base/network-policy.yaml', edit: editNetworkPolicy, only: '.Values.networkPolicy.enabled' },
  { file: 'base/webhook.yaml', edit: editWebhook, only: '.Values.webhook.enabled' },
  {
    file: 'components/credentials/rbac.yaml',
    edit: editRbac,
    only: '.Values.credentials.enabled',
    to: 'credentials.yaml',
  },
  { file: 'components/pod-monitor/pod-monitor.yaml', only: '.Values.podMonitor.enabled' },
  { file: 'components/canary/rbac.yaml', only: '.Values.canaryRoles.enabled', to: 'canary.yaml' },
  { file: 'components/debug-service/service.yaml', only: '.Values.debugService.enabled', to: 'debug-service.yaml' },
];

const clusterWide = ['ClusterRole', 'ClusterRoleBinding', 'ValidatingWebhookConfiguration'];
const manifests = sources.map(({ file, edit = (text) => text, only, to = path.basename(file) }) => {
  const documents = parseAllDocuments(fs.readFileSync(path.join(k8s, file), 'utf8'));
  const text = documents.map((document) => edit(templateOf(document), document.get('kind'))).join('---\n');
  const body = only === undefined ? text : `{{- if ${only} }}\n${text}{{- end }}\n`;
  return { file: path.join(templates, to), text: `${header} ${file}: change it there.\n${body}` };
});
const schema = JSON.stringify(chartSchema(fs.readFileSync(path.join(chart, 'values.yaml'), 'utf8')), undefined, 2);
const made = [...manifests, { file: path.join(chart, 'values.schema.json'), text: `${schema}\n` }];

process.exitCode = process.argv.includes('--check') ? check() : write();

function write() {
  for (const { file, text } of made) fs.writeFileSync(file, text);
  return 0;
}

function check() {
  const stale = made.filter(({ file, text }) => !fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text);
  for (const { file } of stale)
    process.stderr.write(`${file} is not what k8s/ makes: run node scripts/make-chart.mjs\n`);
  const known = made.map(({ file }) => path.basename(file));
  const others = fs.readdirSync(templates).filter((name) => name.endsWith('.yaml') && !known.includes(name));
  for (const name of others) process.stderr.write(`${name} is made of nothing in k8s/\n`);
  return stale.length + others.length > 0 ? 1 : 0;
}

function templateOf(document) {
  document.directives.docStart = null;
  const kind = document.get('kind');
  const metadata = document.get('metadata');
  if (!clusterWide.includes(kind)) metadata.set('namespace', marked('{{ .Release.Namespace }}'));
  else if (kind !== 'ValidatingWebhookConfiguration') metadata.set('name', marked(`${metadata.get('name')}${suffix}`));
  if (!metadata.has('labels')) metadata.set('labels', document.createNode({}));
  const labels = metadata.get('labels');
  labels.flow = false;
  labels.set('app.kubernetes.io/part-of', 'inmesh');
  labels.set('app.kubernetes.io/managed-by', marked('{{ .Release.Service }}'));
  labels.set('helm.sh/chart', marked('{{ .Chart.Name }}-{{ .Chart.Version }}'));
  return toText(document);
}

/** YAML would put what begins with a brace into quotes. */
function marked(template) {
  return template.replaceAll('{{', '«').replaceAll('}}', '»');
}

function toText(document) {
  const text = document.toString({ lineWidth: 0 }).replaceAll('«', '{{').replaceAll('»', '}}');
  return text.replaceAll('namespace: inmesh-system', 'namespace: {{ .Release.Namespace }}');
}
