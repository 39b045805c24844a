// What a template of the Helm chart has in place of what the Kustomize base says. Each takes the text of one object, and its kind.

// `$` and not `.`, for it also stands in loops.
export const suffix = '{{ include "inmesh.suffix" $ }}';
const revision = '{{ include "inmesh.text" .Values.revision }}';

/** @throws when the base has no such text any more, or more than one */
function replace(text, from, to, times = 1) {
  if (text.split(from).length !== times + 1)
    throw new Error(`there is not ${times} times ${JSON.stringify(from)} in\n${text}`);
  return text.replaceAll(from, to);
}

export function editRbac(text, kind) {
  if (kind === 'ClusterRole' && text.includes('name: inmesh-cluster')) {
    const renamed = replace(
      text,
      'resourceNames: [ inmesh-validator ]',
      `resourceNames: [ inmesh-validator${suffix} ]`,
    );
    return replace(
      renamed,
      'resourceNames: [ inmesh-ca-root-cert ]',
      'resourceNames: [ {{ .Values.ca.rootsConfigMap | quote }} ]',
    );
  }
  if (kind === 'Role') {
    const kept = replace(text, 'resourceNames: [ inmesh-last-good ]', `resourceNames: [ inmesh-last-good${suffix} ]`);
    return replace(kept, 'resourceNames: [ inmesh-ca ]', 'resourceNames: [ {{ .Values.ca.secret | quote }} ]');
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
  const loop = `{{- range include "inmesh.namespaces" . | fromJsonArray }}\n---\n${inLoop}{{- end }}\n`;
  return `{{- if empty .Values.namespaces }}\n${text}{{- else }}\n${loop}{{- end }}\n`;
}

export function editDeployment(text) {
  const debug = '{{ if .Values.debugService.enabled }}0.0.0.0{{ else }}127.0.0.1{{ end }}';
  const replaced = [
    [
      'image: inmesh/config-server:0.1.0',
      'image: "{{ .Values.image.repository }}:{{ include "inmesh.text" (.Values.image.tag | default .Chart.AppVersion) }}"',
    ],
    ['imagePullPolicy: IfNotPresent', 'imagePullPolicy: {{ .Values.image.pullPolicy }}'],
    ['--revision=default', `--revision=${revision}`],
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
      lines(
        '  {{- if not .Values.autoscaling.enabled }}',
        '  replicas: {{ .Values.replicas }}',
        '  {{- else }}',
        '  {{- /* A number that the last release gave and this one does not would become 1, until the autoscaler sees it. */}}',
        '  {{- with lookup "apps/v1" "Deployment" .Release.Namespace "inmesh" }}',
        '  replicas: {{ .spec.replicas }}',
        '  {{- end }}',
        '  {{- end }}',
      ),
    ],
    [
      /( +)- --webhook-configuration=inmesh-validator\n/,
      lines(
        '$1{{- if .Values.webhook.enabled }}',
        `$1- --webhook-configuration=inmesh-validator${suffix.replaceAll('$', '$$$$')}`,
        '$1{{- end }}',
        '$1{{- if and .Values.namespaces .Values.excludedNamespaces }}',
        '$1{{- fail "namespaces and excludedNamespaces: give one" }}',
        '$1{{- end }}',
        '$1{{- with .Values.namespaces }}',
        '$1- --include-namespaces={{ join "," . }}',
        '$1{{- end }}',
        '$1{{- with .Values.excludedNamespaces }}',
        '$1- --exclude-namespaces={{ join "," . }}',
        '$1{{- end }}',
      ),
    ],
    [
      /( +)resources:\n +requests: .*\n +limits: .*\n/,
      '$1resources:\n$1  {{- toYaml .Values.resources | nindent 12 }}\n',
    ],
    [
      /( +)prometheus.io\/scrape: (".*")\n +prometheus.io\/port: (".*")\n +prometheus.io\/path: (.*)\n/,
      lines(
        '$1{{- $$metrics := dict "prometheus.io/scrape" $2 "prometheus.io/port" $3 "prometheus.io/path" "$4" }}',
        '$1{{- mergeOverwrite $$metrics (.Values.podAnnotations | default dict) | toYaml | nindent 8 }}',
      ),
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

export function editAvailability(text, kind) {
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

export function editNetworkPolicy(text) {
  const debug = lines(
    '    {{- if .Values.debugService.enabled }}',
    '    - from:',
    '        - podSelector: {}',
    '      ports:',
    '        - { protocol: TCP, port: http-debug }',
    '    {{- end }}',
  );
  const debugged = replace(text, '  egress:\n', `${debug}  egress:\n`);
  const ports = [443, 6443].map((port) => `        - { protocol: TCP, port: ${port} }\n`).join('');
  return replace(
    debugged,
    ports,
    lines(
      '        {{- range .Values.networkPolicy.apiServerPorts }}',
      '        - { protocol: TCP, port: {{ . }} }',
      '        {{- end }}',
    ),
  );
}

export function editWebhook(text) {
  const named = replace(text, 'name: inmesh-validator', `name: inmesh-validator${suffix}`);
  const revised = replace(named, 'values: [ default ]', `values: [ "${revision}" ]`);
  const failing = replace(revised, 'failurePolicy: Ignore', 'failurePolicy: {{ .Values.webhook.failurePolicy }}', 2);
  const timed = replace(failing, 'timeoutSeconds: 5', 'timeoutSeconds: {{ .Values.webhook.timeoutSeconds }}', 2);
  const [names, others] = ['{{ include "inmesh.namespaces" . }}', '{{ .Values.excludedNamespaces | toJson }}'];
  const selectors = lines(
    ...['    {{- if .Values.namespaces }}', ...namespaceSelector('In', names)],
    ...['    {{- else if .Values.excludedNamespaces }}', ...namespaceSelector('NotIn', others), '    {{- end }}'],
  );
  return replace(timed, '    clientConfig:\n', `${selectors}    clientConfig:\n`, 2);
}

function namespaceSelector(operator, names) {
  return [
    '    namespaceSelector:',
    '      matchExpressions:',
    `        - { key: kubernetes.io/metadata.name, operator: ${operator}, values: ${names} }`,
  ];
}

function lines(...all) {
  return all.map((line) => `${line}\n`).join('');
}
