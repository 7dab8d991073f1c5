"""What scripts/artifacts.py and scripts/sbom.py promise: the same sources give the same bytes, and a bill that names them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"
pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not (SCRIPTS / "artifacts.py").is_file(), reason="artifacts are not built here"
)

DATE = 1_700_000_000
METADATA = b"""\
Metadata-Version: 2.4
Name: llm-async
Version: 1.0
License-Expression: MIT
Requires-Dist: aiosonic<1.4,>=1.3.3
Requires-Dist: orjson<4,>=3.10; sys_platform == "linux"
Requires-Dist: orjson<4,>=3.10; sys_platform == "darwin"
Requires-Dist: rich<16,>=13; extra == "demo"
"""


def python(code: str, *arguments: Path) -> str:
    """Run code that may import the scripts, in a process of its own; what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS), "SOURCE_DATE_EPOCH": str(DATE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sdist(folder: Path, date: int, mode: int, names: list[str], owner: str) -> Path:
    """An sdist as a build leaves it on some machine at some moment."""
    path = folder / "llm_async-1.0.tar.gz"
    contents = {"PKG-INFO": METADATA, "setup.py": b"pass\n", "scripts/run": b"#!/bin/sh\n", "tests/test_a.py": b""}
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            entry = tarfile.TarInfo(f"llm_async-1.0/{name}")
            entry.size, entry.mtime, entry.uname = len(contents[name]), date, owner
            entry.mode = mode | 0o100 if name == "scripts/run" else mode
            archive.addfile(entry, io.BytesIO(contents[name]))
    return path


PACK = "import artifacts, pathlib, sys; artifacts.pack_again(pathlib.Path(sys.argv[1]), artifacts.source_date())"
NAMES = ["PKG-INFO", "setup.py", "scripts/run", "tests/test_a.py"]


def test_an_sdist_has_the_same_bytes_whoever_packed_it_and_when(tmp_path: Path) -> None:
    paths = []
    for number, (date, mode, names, owner) in enumerate(
        [(1, 0o644, NAMES, "one"), (1_800_000_000, 0o600, NAMES[::-1], "other")]
    ):
        (tmp_path / str(number)).mkdir()
        paths.append(sdist(tmp_path / str(number), date, mode, names, owner))
        python(PACK, paths[-1])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_packed_sdist_keeps_its_files_and_who_may_run_them(tmp_path: Path) -> None:
    path = sdist(tmp_path, 1, 0o600, NAMES, "one")
    python(PACK, path)
    with tarfile.open(path) as archive:
        entries = {entry.name.removeprefix("llm_async-1.0/"): entry for entry in archive if entry.isfile()}
        assert {name: entry.mode for name, entry in entries.items()} == {
            "PKG-INFO": 0o644,
            "setup.py": 0o644,
            "scripts/run": 0o755,
            "tests/test_a.py": 0o644,
        }
        assert {entry.mtime for entry in archive} == {DATE}
        content = archive.extractfile(entries["PKG-INFO"])
        assert content is not None
        assert content.read() == METADATA


def test_other_tools_than_the_pinned_ones_are_refused() -> None:
    said = python(
        "import artifacts, sys\n"
        "artifacts.pins = lambda: {'pytest': '0.0'}\n"
        "try: artifacts.refuse_other_tools(sys.executable)\n"
        "except SystemExit as error: print(error)"
    )
    assert "--require-hashes --requirement" in said


def test_every_pinned_tool_is_what_pyproject_asks_for() -> None:
    assert set(json.loads(python("import artifacts, json; print(json.dumps(artifacts.pins()))"))) == {
        "cython",
        "setuptools",
    }


def test_the_bill_of_materials_names_what_builds_what_runs_and_what_was_made(tmp_path: Path) -> None:
    path = sdist(tmp_path, 1, 0o644, NAMES, "one")
    (tmp_path / "llm_async-1.0-py3-none-any.whl").write_bytes(b"wheel")
    for _ in range(2):
        python("import sbom, pathlib, sys; sbom.main(pathlib.Path(sys.argv[1]))", tmp_path)
        bill = json.loads((tmp_path / "llm_async-1.0.cdx.json").read_text("utf-8"))
    assert [(part["name"], part["scope"]) for part in bill["components"]] == [
        ("cython", "excluded"),
        ("setuptools", "excluded"),
        ("aiosonic", "required"),
        ("orjson", "required"),
    ]
    assert all(part["hashes"] for part in bill["components"][:2])
    made = {part["name"]: part["hashes"][0]["content"] for part in bill["metadata"]["component"]["components"]}
    assert made == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest(),
        "llm_async-1.0-py3-none-any.whl": hashlib.sha256(b"wheel").hexdigest(),
    }
    assert bill["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
