// Makes the templates of the Helm chart from the Kustomize base, so that there is one source. With --check it writes nothing and
// fails where they differ.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

const k8s = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'k8s');
const templates = path.join(k8s, 'chart/inmesh/templates');
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
  { file: 'components/debug-service/service.yaml', only: '.Values.debugService.enabled', to: 'debug-service.yaml' },
];

const clusterWide = ['ClusterRole', 'ClusterRoleBinding', 'ValidatingWebhookConfiguration'];
/** Two releases have one of each such object, so another revision needs other names. */
const suffix = '{{ if ne .Values.revision `default` }}-{{ .Values.revision }}{{ end }}';

const made = sources.map(({ file, edit = (text) => text, only, to = path.basename(file) }) => {
  const documents = parseAllDocuments(fs.readFileSync(path.join(k8s, file), 'utf8'));
  const text = documents.map((document) => edit(templateOf(document), document.get('kind'))).join('---\n');
  const body = only === undefined ? text : `{{- if ${only} }}\n${text}{{- end }}\n`;
  return { file: path.join(templates, to), text: `${header} ${file}: change it there.\n${body}` };
});

process.exitCode = process.argv.includes('--check') ? check() : write();

function write() {
  for (const { file, text } of made) fs.writeFileSync(file, text);
  return 0;
}

function check() {
  const stale = made.filter(({ file, text }) => !fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text);
  for (const { file } of stale)
    process.stderr.write(`${file} is not what the Kustomize base makes: run node scripts/make-chart.mjs\n`);
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

/** @throws when the base has no such text any more, or more than one */
function replace(text, from, to, times = 1) {
  if (text.split(from).length !== times + 1)
    throw new Error(`there is not ${times} times ${JSON.stringify(from)} in\n${text}`);
  return text.replaceAll(from, to);
}

function editRbac(text, kind) {
  if (kind === 'ClusterRole' && text.includes('name: inmesh-cluster')) {
    const renamed = replace(
      text,
      'resourceNames: [ inmesh-validator ]',
      `resourceNames: [ "inmesh-validator${suffix}" ]`,
    );
    return replace(
      renamed,
      'resourceNames: [ inmesh-ca-root-cert ]',
      'resourceNames: [ {{ .Values.ca.rootsConfigMap | quote }} ]',
    );
  }
  if (kind === 'Role') {
    return replace(text, 'resourceNames: [ inmesh-ca ]', 'resourceNames: [ {{ .Values.ca.secret | quote }} ]');
  }
  if (kind !== 'ClusterRoleBinding') return text;
  const [, role] = /\n {2}name: (inmesh-\w+)\nsubjects/.exec(text);
  const named = replace(text, `\n  name: ${role}\nsubjects`, `\n  name: ${role}${suffix}\nsubjects`);
  return role === 'inmesh-cluster' ? named : inNamespaces(named);
}

/** One binding for all namespaces; or one in each of those that are named, and where policies of the whole mesh stand. */
function inNamespaces(text) {
  const each = replace(text, 'kind: ClusterRoleBinding', 'kind: RoleBinding');
  const placed = replace(each, 'metadata:\n', 'metadata:\n  namespace: {{ . }}\n');
  const inLoop = placed.replace(/\{\{ (.*?)(\.(?:Values|Release|Chart))/g, '{{ $1$$$2');
  const loop = `{{- range append .Values.namespaces "istio-system" | uniq }}\n---\n${inLoop}{{- end }}\n`;
  return `{{- if empty .Values.namespaces }}\n${text}{{- else }}\n${loop}{{- end }}\n`;
}

function editDeployment(text) {
  const debug = '{{ if .Values.debugService.enabled }}0.0.0.0{{ else }}127.0.0.1{{ end }}';
  const replaced = [
    [
      'image: inmesh/config-server:0.1.0',
      'image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"',
    ],
    ['imagePullPolicy: IfNotPresent', 'imagePullPolicy: {{ .Values.image.pullPolicy }}'],
    ['--revision=default', '--revision={{ .Values.revision }}'],
    ['--debug-host=127.0.0.1', `--debug-host=${debug}`],
    ['--ca-secret=$(POD_NAMESPACE)/inmesh-ca', '--ca-secret=$(POD_NAMESPACE)/{{ .Values.ca.secret }}'],
    ['--ca-roots=inmesh-ca-root-cert', '--ca-roots={{ .Values.ca.rootsConfigMap }}'],
    ['--trust-domain=cluster.local', '--trust-domain={{ .Values.ca.trustDomain }}'],
    ['--cluster-domain=cluster.local', '--cluster-domain={{ .Values.clusterDomain }}'],
    ['svc.cluster.local', 'svc.{{ .Values.clusterDomain }}'],
    ['--max-old-space-size=768', '--max-old-space-size={{ .Values.maxOldSpaceSize }}'],
  ].reduce((result, [from, to]) => replace(result, from, to), text);
  const blocks = [
    [
      / {2}# The number of replicas .*\n/,
      '  {{- if not .Values.autoscaling.enabled }}\n  replicas: {{ .Values.replicas }}\n  {{- end }}\n',
    ],
    [
      /( +)- --webhook-configuration=inmesh-validator\n/,
      `$1{{- if .Values.webhook.enabled }}\n$1- --webhook-configuration=inmesh-validator${suffix}\n$1{{- end }}\n$1{{- with .Values.namespaces }}\n$1- --include-namespaces={{ join "," . }}\n$1{{- end }}\n$1{{- with .Values.excludedNamespaces }}\n$1- --exclude-namespaces={{ join "," . }}\n$1{{- end }}\n`,
    ],
    [
      /( +)resources:\n +requests: .*\n +limits: .*\n/,
      '$1resources:\n$1  {{- toYaml .Values.resources | nindent 12 }}\n',
    ],
    [
      /( +)prometheus.io\/path: \/metrics\n/,
      '$&$1{{- with .Values.podAnnotations }}\n$1{{- toYaml . | nindent 8 }}\n$1{{- end }}\n',
    ],
    [
      /( +)serviceAccountName: inmesh\n/,
      [
        '$&',
        ...['imagePullSecrets', 'nodeSelector', 'tolerations'].map(
          (name) => `$1{{- with .Values.${name} }}\n$1${name}:\n$1  {{- toYaml . | nindent 8 }}\n$1{{- end }}\n`,
        ),
      ].join(''),
    ],
  ];
  return blocks.reduce((result, [from, to]) => {
    if (!from.test(result)) throw new Error(`there is no ${from} in\n${result}`);
    return result.replace(from, to);
  }, replaced);
}

function editAvailability(text, kind) {
  if (kind !== 'HorizontalPodAutoscaler') return text;
  const scaled = replace(text, 'minReplicas: 2', 'minReplicas: {{ .Values.replicas }}');
  const bounded = replace(
    scaled,
    'maxReplicas: 5',
    'maxReplicas: {{ max .Values.replicas .Values.autoscaling.maxReplicas }}',
  );
  const target = replace(
    bounded,
    'averageUtilization: 80',
    'averageUtilization: {{ .Values.autoscaling.targetCPUUtilizationPercentage }}',
  );
  return `{{- if .Values.autoscaling.enabled }}\n${target}{{- end }}\n`;
}

function editNetworkPolicy(text) {
  const debug = [
    '    {{- if .Values.debugService.enabled }}',
    '    - from:',
    '        - podSelector: {}',
    '      ports:',
    '        - { protocol: TCP, port: http-debug }',
    '    {{- end }}',
    '  egress:\n',
  ];
  return replace(text, '  egress:\n', debug.join('\n'));
}

function editWebhook(text) {
  const named = replace(text, 'name: inmesh-validator', `name: inmesh-validator${suffix}`);
  const revised = replace(named, 'values: [ default ]', 'values: [ {{ .Values.revision | quote }} ]');
  const failing = replace(revised, 'failurePolicy: Ignore', 'failurePolicy: {{ .Values.webhook.failurePolicy }}', 2);
  return replace(failing, 'timeoutSeconds: 5', 'timeoutSeconds: {{ .Values.webhook.timeoutSeconds }}', 2);
}
