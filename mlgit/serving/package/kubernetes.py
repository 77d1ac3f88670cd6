"""Manifests for Kubernetes: a Deployment that the strictest pod security lets in, and what keeps it up, apart and scaled."""

from __future__ import annotations

import math

from mlgit.render.yaml_text import flow, key, quoted
from mlgit.serving.package.packaged import ADMIN_PORT, LOG, LOG_KEY, PORT, TOKEN, USER, Packaged

_MIB = 1 << 20
# What the server takes without a model, and how many times the size of its file a model may take in memory.
_SERVER, _TIMES = 384, 3
# How long a pod goes on while the others learn that it is leaving.
_LEAVING = 5


def manifests(packaged: Packaged) -> dict[str, str]:
    """The manifests by file name; `kubectl apply -k` takes the folder that holds them."""
    found = {
        "deployment.yaml": _deployment(packaged),
        "service.yaml": _service(packaged),
        "autoscaler.yaml": _autoscaler(packaged),
        "network-policy.yaml": _network_policy(packaged),
        "disruption-budget.yaml": _disruption_budget(packaged),
        "service-account.yaml": _service_account(packaged),
    }
    if packaged.is_logged:
        found["log-claim.yaml"] = _log_claim(packaged)
    return {**found, "kustomization.yaml": _kustomization(packaged, sorted(found))}


def container(packaged: Packaged, *, indent: int) -> str:
    """The container as YAML, so many spaces in: what an InferenceService and a Deployment have in common."""
    request = _memory(packaged.size)
    text = f"""\
image: {quoted(packaged.image)}
args: {flow(["--token-file", TOKEN, *_log_options(packaged)])}
env:
  - name: POD_NAME
    valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}
ports:
  - {{name: http, containerPort: {PORT}, protocol: TCP}}
  - {{name: admin, containerPort: {ADMIN_PORT}, protocol: TCP}}
# a model takes as long as it takes to load and to answer its recorded rows as recorded: 5 minutes at most
startupProbe:
  httpGet: {{path: /v2/health/ready, port: http}}
  periodSeconds: 2
  failureThreshold: 150
readinessProbe:
  httpGet: {{path: /v2/health/ready, port: http}}
  periodSeconds: 5
  timeoutSeconds: 3
# of the process that watches over the workers: a busy worker is no reason to end them all
livenessProbe:
  httpGet: {{path: /-/live, port: admin}}
  periodSeconds: 10
  timeoutSeconds: 5
lifecycle:
  preStop: {{sleep: {{seconds: {_LEAVING}}}}}
resources:
  requests: {{cpu: 500m, memory: {request}Mi}}
  limits: {{memory: {2 * request}Mi}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {{drop: [ALL]}}
volumeMounts:
  - {{name: tmp, mountPath: /tmp}}
  - {{name: token, mountPath: {TOKEN.rpartition("/")[0]}, readOnly: true}}
{f"  - {{name: log, mountPath: {LOG}}}" if packaged.is_logged else ""}"""
    return _indented(text, indent)


def _log_options(packaged: Packaged) -> list[str]:
    """A folder for each pod, and one key for all of them: so what one hashed is found among what the others did."""
    return ["--log-path", f"{LOG}/$(POD_NAME)", "--log-key", LOG_KEY] if packaged.is_logged else []


def pod(packaged: Packaged, *, indent: int) -> str:
    """What a pod has beside its containers, as YAML: who it is, and its volumes."""
    log = f"  - {{name: log, persistentVolumeClaim: {{claimName: {packaged.name}-log}}}}\n" if packaged.is_logged else ""
    key = " --from-file=log-key=FILE" if packaged.is_logged else ""
    items = "{key: token, path: token}, {key: log-key, path: log-key}" if packaged.is_logged else "{key: token, path: token}"
    text = f"""\
serviceAccountName: {packaged.name}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {USER}
  runAsGroup: {USER}
  fsGroup: {USER}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {{type: RuntimeDefault}}
# to leave the others time to learn of it, and every answer that was begun time to be given
terminationGracePeriodSeconds: {_LEAVING + math.ceil(packaged.release.serving.limits.seconds) + 10}
volumes:
  - {{name: tmp, emptyDir: {{sizeLimit: 64Mi}}}}
  # kubectl create secret generic {packaged.name}-token --from-file=token=FILE{key}
  - name: token
    secret:
      secretName: {packaged.name}-token
      defaultMode: 288 # 0440
      items: [{items}]
{log}"""
    return _indented(text, indent)


def selectors(packaged: Packaged, *, indent: int, with_version: bool = True) -> str:
    """The labels as YAML; a selector, which never changes, is without the version."""
    version = f"\napp.kubernetes.io/version: {quoted(packaged.version)}" if with_version else ""
    return _indented(f"app.kubernetes.io/name: {packaged.name}\napp.kubernetes.io/component: model{version}", indent)


def origin(packaged: Packaged, *, indent: int) -> str:
    """What a manifest tells of where the model comes from, as YAML."""
    release = packaged.release
    said = {"model": f"{release.model}@{release.version}", "commit": release.commit, "sha256": release.sha256}
    return _indented("\n".join(f"mlgit/{name}: {quoted(value)}" for name, value in said.items() if value), indent)


def _deployment(packaged: Packaged) -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {packaged.name}
  labels:
{selectors(packaged, indent=4)}
  annotations:
{origin(packaged, indent=4)}
spec:
  # how many pods there are is the autoscaler's to say
  selector:
    matchLabels:
{selectors(packaged, indent=6, with_version=False)}
  strategy:
    rollingUpdate: {{maxUnavailable: 0, maxSurge: 1}}
  template:
    metadata:
      labels:
{selectors(packaged, indent=8)}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "{ADMIN_PORT}"
        prometheus.io/path: /metrics
{origin(packaged, indent=8)}
    spec:
{pod(packaged, indent=6)}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
{selectors(packaged, indent=14, with_version=False)}
      containers:
        - name: mlgit
{container(packaged, indent=10)}
"""


def _service(packaged: Packaged) -> str:
    return f"""\
apiVersion: v1
kind: Service
{_metadata(packaged)}
spec:
  selector:
{selectors(packaged, indent=4, with_version=False)}
  ports:
    - {{name: http, port: 80, targetPort: http, protocol: TCP}}
"""


def _autoscaler(packaged: Packaged) -> str:
    return f"""\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
{_metadata(packaged)}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {packaged.name}}}
  minReplicas: 2
  maxReplicas: 8
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {{type: Utilization, averageUtilization: 70}}
"""


def _network_policy(packaged: Packaged) -> str:
    return f"""\
# Who may ask: the pods of this namespace; and a namespace `monitoring` for metrics. The server itself asks nobody: what it
# needs is in its image.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
{_metadata(packaged)}
spec:
  podSelector:
    matchLabels:
{selectors(packaged, indent=6, with_version=False)}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - podSelector: {{}}
      ports:
        - {{port: http, protocol: TCP}}
    - from:
        - namespaceSelector:
            matchLabels: {{kubernetes.io/metadata.name: monitoring}}
      ports:
        - {{port: admin, protocol: TCP}}
  egress: []
"""


def _disruption_budget(packaged: Packaged) -> str:
    return f"""\
apiVersion: policy/v1
kind: PodDisruptionBudget
{_metadata(packaged)}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
{selectors(packaged, indent=6, with_version=False)}
"""


def _service_account(packaged: Packaged) -> str:
    return f"""\
apiVersion: v1
kind: ServiceAccount
{_metadata(packaged)}
automountServiceAccountToken: false
"""


def _log_claim(packaged: Packaged) -> str:
    return f"""\
# The record of every answer outlives the pods: one claim, in which each pod has a folder of its own. Where there is only one
# node, ReadWriteOnce does.
apiVersion: v1
kind: PersistentVolumeClaim
{_metadata(packaged, suffix="-log")}
spec:
  accessModes: [ReadWriteMany]
  resources:
    requests: {{storage: 10Gi}}
"""


def _kustomization(packaged: Packaged, names: list[str]) -> str:
    return f"""\
# `kubectl apply -k .`; another name of the image: `kustomize edit set image {_repository(packaged.image)}=NAME@sha256:DIGEST`.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: {flow(names)}
"""


def _metadata(packaged: Packaged, *, suffix: str = "") -> str:
    return f"metadata:\n  name: {packaged.name}{suffix}\n  labels:\n{selectors(packaged, indent=4)}"


def _repository(image: str) -> str:
    """The name of an image without tag and digest."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return key(f"{head}{slash}{last.partition(':')[0]}")


def _memory(size: int) -> int:
    """How much memory is asked for, in MiB: in steps, so that it does not change with every training."""
    return math.ceil((_SERVER + _TIMES * size / _MIB) / 128) * 128


def _indented(text: str, indent: int) -> str:
    return "\n".join(f"{' ' * indent}{line}" if line else "" for line in text.rstrip("\n").splitlines())
