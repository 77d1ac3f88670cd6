"""Manifests: valid by the schema of Kubernetes, one name, one user, and nothing that a release says breaks them."""

from __future__ import annotations

import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.serving.package import kserve, kubernetes
from mlgit.serving.package.packaged import Packaged
from tests.kit import FULL
from tests.kit.late import Module
from tests.serving.package.releases import packaged

kubernetes_validate = Module("kubernetes_validate")
VERSIONS = ("1.30", "1.33", "1.37") if FULL else ("1.33",)


def documents(found: Packaged):
    texts = kubernetes.manifests(found)
    return {name: parse_yaml(text, name=name) for name, text in texts.items()}


def deployment(found):
    return documents(found)["deployment.yaml"]["spec"]["template"]["spec"]


@pytest.mark.slow
@pytest.mark.parametrize("log", ["required", "off"])
@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid(version, log):
    for name, document in documents(packaged(log=log)).items():
        if name != "kustomization.yaml":
            kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.slow
def test_misspelt_key_would_be_found():
    text = kubernetes.manifests(packaged())["deployment.yaml"]
    document = parse_yaml(text.replace("readOnlyRootFilesystem", "readOnlyRootFileSystem"), name="d")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, "1.33", strict=True)


def test_pod_is_what_the_restricted_standard_asks_for():
    pod = deployment(packaged())
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}


def test_token_comes_from_a_secret_that_the_user_of_the_image_can_read():
    pod = deployment(packaged())
    (secret,) = [each["secret"] for each in pod["volumes"] if "secret" in each]
    assert (secret["secretName"], secret["defaultMode"]) == ("tumor-2-token", 0o440)
    assert secret["items"] == [{"key": "token", "path": "token"}, {"key": "log-key", "path": "log-key"}]
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsUser"] == 65532
    assert pod["containers"][0]["args"][:2] == ["--token-file", "/run/secrets/mlgit/token"]


def test_log_of_each_pod_has_a_folder_on_the_claim_and_none_where_there_is_no_log():
    pod = deployment(packaged())
    assert pod["containers"][0]["args"][2:4] == ["--log-path", "/var/log/mlgit/$(POD_NAME)"]
    assert {"name": "log", "persistentVolumeClaim": {"claimName": "tumor-2-log"}} in pod["volumes"]
    assert "log-claim.yaml" in documents(packaged())
    without = deployment(packaged(log="off"))
    assert "log" not in str(without["volumes"]) + str(without["containers"][0]["args"])
    assert "log-claim.yaml" not in documents(packaged(log="off"))


def test_pods_hash_by_one_key_from_the_secret():
    assert deployment(packaged())["containers"][0]["args"][4:] == ["--log-key", "/run/secrets/mlgit/log-key"]


def test_selectors_find_the_pods_and_outlive_the_version():
    one, other = documents(packaged(version="v1.0.0")), documents(packaged(version="v2.0.0"))
    labels = one["deployment.yaml"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        one["deployment.yaml"]["spec"]["selector"]["matchLabels"],
        one["service.yaml"]["spec"]["selector"],
        one["network-policy.yaml"]["spec"]["podSelector"]["matchLabels"],
        one["disruption-budget.yaml"]["spec"]["selector"]["matchLabels"],
    ]
    assert all(each.items() < labels.items() for each in selectors)
    assert one["deployment.yaml"]["spec"]["selector"] == other["deployment.yaml"]["spec"]["selector"]
    assert one["deployment.yaml"]["metadata"]["labels"] != other["deployment.yaml"]["metadata"]["labels"]


def test_kustomization_names_every_other_manifest():
    for log in ("required", "off"):
        found = documents(packaged(log=log))
        assert {*found["kustomization.yaml"]["resources"]} == {*found} - {"kustomization.yaml"}


def test_pod_asks_nobody_and_metrics_are_for_those_who_watch():
    policy = documents(packaged())["network-policy.yaml"]["spec"]
    assert (policy["policyTypes"], policy["egress"]) == (["Ingress", "Egress"], [])
    assert [[each["port"] for each in rule["ports"]] for rule in policy["ingress"]] == [["http"], ["admin"]]


@pytest.mark.parametrize(("seconds", "grace"), [(30.0, 45), (0.001, 16), (3600.0, 3615)])
def test_answer_that_was_begun_has_time_to_end(seconds, grace):
    assert deployment(packaged(seconds=seconds))["terminationGracePeriodSeconds"] == grace


@pytest.mark.parametrize(("size", "memory"), [(0, "384Mi"), (1, "512Mi"), (1 << 30, "3456Mi")])
def test_memory_follows_the_size_of_the_model_in_steps(size, memory):
    assert deployment(packaged(size=size))["containers"][0]["resources"]["requests"]["memory"] == memory


def test_inference_service_has_the_pod_of_the_deployment():
    found = parse_yaml(kserve.inference_service(packaged()), name="kserve.yaml")
    predictor, pod = found["spec"]["predictor"], deployment(packaged())
    assert {key: predictor[key] for key in ("securityContext", "volumes", "serviceAccountName")} == {
        key: pod[key] for key in ("securityContext", "volumes", "serviceAccountName")
    }
    assert predictor["containers"] == [pod["containers"][0] | {"name": "kserve-container"}]
    assert found["metadata"]["annotations"]["mlgit/model"] == "models/nlp:Tumor_2@v1.2.0"
