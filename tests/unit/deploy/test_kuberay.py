"""The manifests of deploy/kuberay: what a cluster takes, and what belongs together in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import metaopt

ROOT = Path(__file__).parents[3]
SCHEMAS = Path(__file__).parent / "schemas"
Manifest = dict[str, Any]


def manifests() -> Iterator[Manifest]:
    for path in sorted((ROOT / "deploy" / "kuberay").glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text())


def named(kind: str) -> Manifest:
    (found,) = [m for m in manifests() if m["kind"] == kind]
    return found


def groups(cluster: Manifest) -> list[Manifest]:
    return [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]


def pods() -> Iterator[Manifest]:
    """The pod specification of each kind of pod."""
    yield named("StatefulSet")["spec"]["template"]["spec"]
    yield from (group["template"]["spec"] for group in groups(named("RayCluster")))


def check(value: Any, schema: str) -> None:
    jsonschema.validate(value, json.loads((SCHEMAS / f"{schema}.json").read_text()))


@pytest.mark.parametrize("kind", ["RayCluster", "RayJob"])
def test_a_resource_of_kuberay_has_known_fields_alone(kind: str) -> None:
    manifest = named(kind)
    assert manifest["apiVersion"] == "ray.io/v1"
    check(manifest["spec"], kind)


def test_pods_have_known_fields_resources_and_no_root() -> None:
    for pod in pods():
        check(pod, "pod")
        assert pod["securityContext"]["runAsNonRoot"]


def test_what_a_pod_mounts_is_there() -> None:
    claims = {"metaopt-data"}
    assert claims == {m["metadata"]["name"] for m in manifests() if "VolumeClaim" in m["kind"]}
    templates = named("StatefulSet")["spec"]["volumeClaimTemplates"]
    for pod in pods():
        there = {v["name"] for v in (*pod.get("volumes", ()), *(t["metadata"] for t in templates))}
        mounted = {m["name"] for c in pod["containers"] for m in c["volumeMounts"]}
        asked = [v.get("persistentVolumeClaim") for v in pod.get("volumes", ())]
        assert mounted <= there and {a["claimName"] for a in asked if a} <= claims


def test_gpu_nodes_come_and_go_and_the_head_has_none() -> None:
    spec = named("RayCluster")["spec"]
    (gpu,) = spec["workerGroupSpecs"]
    assert spec["enableInTreeAutoscaling"] and (gpu["minReplicas"], gpu["replicas"]) == (0, 0)
    (worker,) = gpu["template"]["spec"]["containers"]
    assert worker["resources"]["limits"]["nvidia.com/gpu"] == "1"
    head = spec["headGroupSpec"]
    assert head["rayStartParams"]["num-cpus"] == "0"
    assert "gpu" not in json.dumps(head["template"])


def test_the_job_the_service_and_the_secrets_have_the_names_that_are_used() -> None:
    cluster, job = named("RayCluster"), named("RayJob")["spec"]
    assert cluster["spec"]["authOptions"] == {"mode": "token"}
    assert job["clusterSelector"] == {"ray.io/cluster": cluster["metadata"]["name"]}
    host = re.findall(r"@([\w-]+)/metaopt", job["entrypoint"])
    assert host == [named("Service")["metadata"]["name"]]
    labels = named("StatefulSet")["spec"]["template"]["metadata"]["labels"]
    assert named("Service")["spec"]["selector"] == labels
    text = "".join(json.dumps(m) for m in manifests())
    secrets = re.findall(r'"secretKeyRef": ({.*?})', text)
    assert {tuple(json.loads(s).values()) for s in secrets} == {("metaopt-postgresql", "password")}


def test_the_images_are_those_of_this_version() -> None:
    cluster = named("RayCluster")
    assert cluster["spec"]["rayVersion"] == metadata.version("ray")
    for group in groups(cluster):
        (container,) = group["template"]["spec"]["containers"]
        assert container["image"].endswith(f"/metaopt:{metaopt.__version__}")


def test_manifests_hold_to_the_schemas_of_kubernetes() -> None:
    reason = "on demand: pip install kubernetes-validate (110 MB)"
    kubernetes = pytest.importorskip("kubernetes_validate", reason=reason)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}}
    core = [m for m in manifests() if m["apiVersion"] != "ray.io/v1"]
    for manifest in (*core, *(pod | {"spec": spec} for spec in pods())):
        kubernetes.validate(manifest, "1.33", strict=True)


def test_the_container_copies_what_there_is_and_holds_no_secret() -> None:
    text = (ROOT / "deploy" / "Containerfile").read_text()
    for sources in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / source).exists() for source in sources.split())
    assert not re.search(r"(?i)^(ENV|ARG|RUN).*(token|password|secret)", text, re.MULTILINE)
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["1000:1000"]
    (extras,) = re.findall(r"'\.\[([\w,]+)\]'", text)
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert all(f"\n{extra} = [" in pyproject for extra in extras.split(","))
    assert f"metaopt:{metaopt.__version__}" in text
