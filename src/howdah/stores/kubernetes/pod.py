"""Where is the Kubernetes API for a program in a pod, and who is the program there?"""

from collections.abc import Mapping
from pathlib import Path

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes puts a pod's token, its namespace, and the authorities that sign the API server's certificate."""


class NotInAPod(ValueError):
    """What a pod would know has to be set; the sentence names the setting."""


def api_address(environment: Mapping[str, str]) -> str:
    """The API's address from what Kubernetes sets in every pod. Raises NotInAPod."""
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise NotInAPod(
            "store.api is not set, and this does not run in a pod (there is no KUBERNETES_SERVICE_HOST in the "
            "environment): set it to the address of the Kubernetes API, such as https://10.96.0.1:443"
        )
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def own_namespace(directory: Path = SERVICE_ACCOUNT) -> str:
    """The pod's namespace. Raises NotInAPod."""
    try:
        return (directory / "namespace").read_text().strip()
    except OSError as error:
        raise NotInAPod(
            f"store.namespace is not set, and {directory / 'namespace'} cannot be read ({error.strerror}): set it, or "
            "give the pod its token (automountServiceAccountToken)"
        ) from error


def own_token(directory: Path = SERVICE_ACCOUNT) -> Path:
    """The file of the pod's token. Raises NotInAPod."""
    file = directory / "token"
    if not file.exists():
        raise NotInAPod(
            f"store.token_file is not set, and there is no {file}: give the pod its token "
            "(automountServiceAccountToken), or set store.token_file, or store.cert_file and store.key_file"
        )
    return file


def own_authority(directory: Path = SERVICE_ACCOUNT) -> Path | None:
    """The file of authorities, if the pod has one."""
    file = directory / "ca.crt"
    return file if file.exists() else None
