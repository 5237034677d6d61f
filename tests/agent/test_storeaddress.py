"""Does a pod need to be told nothing of its API server, and is told what is missing elsewhere?"""

from pathlib import Path

import pytest

from howdah.agent.storeaddress import store_address
from howdah.configuration.schema import KubernetesStore
from howdah.stores.kubernetes.pod import NotInAPod, api_address, own_authority, own_namespace, own_token
from howdah.stores.settings import KubernetesSettings


def test_a_pod_s_environment_says_where_the_api_is() -> None:
    assert api_address({"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "6443"}) == (
        "https://10.96.0.1:6443"
    )
    assert api_address({"KUBERNETES_SERVICE_HOST": "fd00::1"}) == "https://[fd00::1]:443"


def test_a_pod_s_files_say_who_it_is(tmp_path: Path) -> None:
    for name in ("namespace", "token", "ca.crt"):
        (tmp_path / name).write_text("dev\n")
    assert own_namespace(tmp_path) == "dev"
    assert own_token(tmp_path) == tmp_path / "token"
    assert own_authority(tmp_path) == tmp_path / "ca.crt"


def test_elsewhere_what_is_missing_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(NotInAPod, match=r"store\.api is not set"):
        api_address({})
    with pytest.raises(NotInAPod, match=r"store\.namespace is not set"):
        own_namespace(tmp_path)
    with pytest.raises(NotInAPod, match="automountServiceAccountToken"):
        own_token(tmp_path)
    assert own_authority(tmp_path) is None


def test_settings_are_used_where_they_are_given_and_names_begin_with_the_cluster_s() -> None:
    given = KubernetesStore(
        kind="kubernetes",
        namespace="dev",
        api="https://10.0.0.1:6443",
        ca_file=Path("/ca.pem"),
        token_file=Path("/token"),
    )
    assert store_address(given, "db", 1_000, {}) == KubernetesSettings(
        "https://10.0.0.1:6443", "dev", "db", "db-", Path("/ca.pem"), Path("/token"), request_timeout_ms=1_000
    )
    with_certificate = given.model_copy(
        update={"token_file": None, "cert_file": Path("/me.pem"), "key_file": Path("/me.key"), "prefix": "other-"}
    )
    found = store_address(with_certificate, "db", 1_000, {})
    assert isinstance(found, KubernetesSettings)
    assert (found.token_file, found.certificate, found.key) == (None, Path("/me.pem"), Path("/me.key"))
    assert found.prefix == "other-"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"api": "10.0.0.1"}, "must look like https"),
        ({"namespace": "Dev"}, "cannot be a namespace"),
        ({"prefix": "1-"}, "cannot begin the names"),
        ({"certificate": Path("/me.pem")}, "together or not at all"),
    ],
)
def test_wrong_addresses_are_refused_with_the_reason(changes: dict[str, object], words: str) -> None:
    right: dict[str, object] = {"api": "https://a:1", "namespace": "dev", "cluster": "db", "prefix": "db-"}
    with pytest.raises(ValueError, match=words):
        KubernetesSettings(**{**right, **changes})  # type: ignore[arg-type]  # wrong values are what this is about
