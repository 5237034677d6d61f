"""Of what is this image made? Prints every Debian package and Python distribution as a CycloneDX document."""

import importlib.metadata
import json
import subprocess
import sys

FORMAT = "${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\n"


def debian_packages() -> list[dict[str, str]]:
    """What dpkg has installed."""
    listed = subprocess.run(["dpkg-query", "-W", f"-f={FORMAT}"], check=True, capture_output=True, text=True).stdout
    rows = [line.split("\t") for line in listed.splitlines()]
    return [
        _component(name, version, f"pkg:deb/debian/{name}@{version}?arch={architecture}")
        for status, name, version, architecture in rows
        if status.startswith("ii")
    ]


def python_packages() -> list[dict[str, str]]:
    """What this Python can import."""
    found = {one.metadata["Name"].lower(): one.version for one in importlib.metadata.distributions()}
    return [_component(name, version, f"pkg:pypi/{name}@{version}") for name, version in sorted(found.items())]


def _component(name: str, version: str, purl: str) -> dict[str, str]:
    return {"type": "library", "name": name, "version": version, "purl": purl}


if __name__ == "__main__":
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "components": [*debian_packages(), *python_packages()],
    }
    json.dump(document, sys.stdout, indent=1)
