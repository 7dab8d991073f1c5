"""Writes a bill of materials (CycloneDX 1.6) beside the artifacts: what built them, what they need to run, their digests.

    python scripts/sbom.py FOLDER      writes FOLDER/llm_async-VERSION.cdx.json

What built them is scripts/build-inputs.txt, with the hashes that were allowed; what they need is the metadata of the sdist.
The file depends on nothing else, so that the same artifacts have the same bill.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tarfile
import uuid
from datetime import datetime, timezone
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from artifacts import PINS, source_date


def pinned() -> list[dict[str, Any]]:
    """The packages that build, each with the hashes of the files that may be used."""
    text = PINS.read_text("utf-8").replace("\\\n", " ")
    components = []
    for line in text.splitlines():
        if found := re.match(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)", line):
            name, version = found["name"], found["version"]
            purl = f"pkg:pypi/{name}@{version}"
            hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", line)
            components.append(
                {
                    "type": "library",
                    "bom-ref": purl,
                    "name": name,
                    "version": version,
                    "scope": "excluded",  # used for building, not shipped
                    "purl": purl,
                    "hashes": [{"alg": "SHA-256", "content": digest} for digest in hashes],
                }
            )
    return components


def needed(metadata: Any) -> list[dict[str, Any]]:
    """What the package needs to run, as ranges; what only an extra asks for is left out."""
    names: dict[str, list[str]] = {}
    for requirement in metadata.get_all("Requires-Dist") or []:
        if "extra ==" not in requirement:
            name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
            names.setdefault(name, []).append(requirement)
    return [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}",
            "name": name,
            "scope": "required",
            "purl": f"pkg:pypi/{name}",
            "properties": [{"name": "llm-async:requirement", "value": text} for text in requirements],
        }
        for name, requirements in sorted(names.items())
    ]


def made(folder: Path) -> list[dict[str, Any]]:
    """The artifacts with their digests."""
    return [
        {
            "type": "file",
            "bom-ref": path.name,
            "name": path.name,
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}],
        }
        for path in sorted([*folder.glob("*.whl"), *folder.glob("*.tar.gz")])
    ]


def bill(folder: Path) -> dict[str, Any]:
    """The whole bill of materials of the artifacts in a folder."""
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        content = archive.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert content is not None
        metadata = HeaderParser().parsestr(content.read().decode("utf-8"))
    build, run, artifacts = pinned(), needed(metadata), made(folder)
    purl = f"pkg:pypi/{metadata['Name']}@{metadata['Version']}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([build, run, artifacts]))}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(source_date(), timezone.utc).isoformat().replace("+00:00", "Z"),
            "lifecycles": [{"phase": "build"}],
            "component": {
                "type": "library",
                "bom-ref": purl,
                "name": metadata["Name"],
                "version": metadata["Version"],
                "licenses": [{"license": {"id": metadata["License-Expression"]}}],
                "purl": purl,
                "components": artifacts,
            },
        },
        "components": build + run,
        "dependencies": [{"ref": purl, "dependsOn": [component["bom-ref"] for component in run]}],
    }


def main(folder: Path) -> int:
    """Write the bill and say where."""
    content = bill(folder)
    component = content["metadata"]["component"]
    path = folder / f"llm_async-{component['version']}.cdx.json"
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    print(f"{path.name}: {len(content['components'])} components, {len(component['components'])} artifacts")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
