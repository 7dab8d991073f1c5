"""The documents tell the truth: every Python block of README.md and docs/ runs as it stands.

A block with ``test_`` functions is run by pytest, any other one by Python, each in a process of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

import pytest

import llm_async

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
_DEADLINE = 50  # seconds


def blocks() -> list[object]:
    found = []
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        for block in _BLOCK.finditer(text):
            line = text.count("\n", 0, block.start(1)) + 1
            found.append(pytest.param(block[1], id=f"{document.relative_to(ROOT).as_posix()}:{line}"))
    return found


@pytest.mark.parametrize("block", blocks())
def test_a_block_of_the_documents_runs_as_it_stands(block: str, tmp_path: Path) -> None:
    file = tmp_path / "test_block.py"
    file.write_text(block, "utf-8")
    strict = [sys.executable, "-X", "dev", "-W", "error"]
    pytest_alone = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path)]
    command = [*strict, *(pytest_alone if "def test_" in block else []), str(file)]
    # The keys of the one who runs the tests are none of the documents' business.
    environment = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))}
    environment["PYTHONPATH"] = str(Path(llm_async.__file__).parents[1])
    ended = subprocess.run(command, capture_output=True, text=True, timeout=_DEADLINE, cwd=tmp_path, env=environment)
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert "Warning" not in ended.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_what_a_document_links_to_is_there(document: Path) -> None:
    targets = _LINK.findall(document.read_text("utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_the_extras_are_those_that_the_installation_page_lists() -> None:
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "docs" / "installing.md").read_text("utf-8"), re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`([a-z]+)`", row)}
    assert listed == set(metadata("llm-async").get_all("Provides-Extra") or ())
