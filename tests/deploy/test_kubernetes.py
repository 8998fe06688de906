"""The manifests: against the schemas of Kubernetes itself, and what a schema does not say."""

from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.files import read

MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all(read("kubernetes.yaml")))
CRON: dict[str, Any] = MANIFESTS[1]["spec"]
POD: dict[str, Any] = CRON["jobTemplate"]["spec"]["template"]["spec"]
CONTAINER: dict[str, Any] = POD["containers"][0]


@pytest.mark.parametrize("version", ["1.27", "1.37"])  # time zones of a CronJob are stable since 1.27
@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: str(manifest["kind"]))
def test_a_manifest_is_valid(manifest: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_a_slip_would_be_noticed() -> None:
    slip = {**MANIFESTS[1], "spec": {**CRON, "concurencyPolicy": "Forbid"}}
    with pytest.raises(kubernetes_validate.ValidationError, match="concurencyPolicy"):
        kubernetes_validate.validate(slip, "1.37", strict=True)


def test_nights_do_not_overlap_and_are_not_repeated() -> None:
    assert (CRON["concurrencyPolicy"], CRON["jobTemplate"]["spec"]["backoffLimit"]) == ("Forbid", 0)
    assert POD["restartPolicy"] == "Never"
    assert CRON["successfulJobsHistoryLimit"] > 0 < CRON["failedJobsHistoryLimit"]


def test_the_memory_is_on_a_volume_and_the_credential_in_a_file() -> None:
    mounts = {mount["name"]: mount for mount in CONTAINER["volumeMounts"]}
    assert mounts.keys() == {volume["name"] for volume in POD["volumes"]}
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    assert volumes["memory"]["persistentVolumeClaim"]["claimName"] == MANIFESTS[0]["metadata"]["name"]
    environment = {each["name"]: each["value"] for each in CONTAINER["env"]}
    assert environment["ROWPATCH_TOKEN_FILE"] == f"{mounts['secret']['mountPath']}/token"
    assert environment["XDG_STATE_HOME"].startswith(mounts["memory"]["mountPath"])
    assert CONTAINER["workingDir"] == mounts["memory"]["mountPath"]
    assert {name for name in mounts if not mounts[name].get("readOnly")} == {"memory", "tmp"}


def test_the_container_may_do_little_and_runs_as_the_user_of_the_image() -> None:
    assert f"USER {POD['securityContext']['runAsUser']}:" in read("Containerfile")
    assert CONTAINER["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"]
    assert POD["automountServiceAccountToken"] is False
