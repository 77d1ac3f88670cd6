"""An InferenceService of KServe: the image as a predictor that speaks the Open Inference Protocol."""

from __future__ import annotations

from mlgit.serving.package import kubernetes
from mlgit.serving.package.packaged import Packaged


def inference_service(packaged: Packaged) -> str:
    """The InferenceService as YAML, for KServe's standard mode (without Knative); token and claim are as in `kubernetes/`."""
    return f"""\
# {packaged.release.model} {packaged.release.version} under KServe. Of kubernetes/, it wants the service account,
# the claim for the log and the network policy; the rest of them KServe makes itself.
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: {packaged.name}
  labels:
{kubernetes.selectors(packaged, indent=4)}
  annotations:
    serving.kserve.io/deploymentMode: Standard
    serving.kserve.io/autoscalerClass: hpa
{kubernetes.origin(packaged, indent=4)}
spec:
  predictor:
    minReplicas: 2
    maxReplicas: 8
    scaleMetric: cpu
    scaleTarget: 70
{kubernetes.pod(packaged, indent=4)}
    containers:
      - name: kserve-container
{kubernetes.container(packaged, indent=8)}
"""
