"""The documents tell the truth: every Python block of README.md and docs/ runs as it stands.

Blocks with ``test_`` functions are run by pytest. The others of a document run one after another in one process, each with
fresh names and variables, in a folder of its own; what one has imported is there for those behind it.
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


# Runs the files that it is given, each in its own folder, and names each before; the traceback of one that fails names it, too.
_RUNNER = """
import os, runpy, sys
variables = dict(os.environ)
for file in sys.argv[1:]:
    print(file, flush=True)
    os.chdir(os.path.dirname(file))
    try:
        runpy.run_path(file, run_name="__main__")
    except SystemExit as ending:
        if ending.code:
            raise
    os.environ.clear()
    os.environ.update(variables)
"""


def blocks(document: Path) -> dict[str, str]:
    """The Python blocks of a document, by the place where each begins."""
    text = document.read_text("utf-8")
    return {
        f"{document.name}:{text.count(chr(10), 0, block.start(1)) + 1}": block[1] for block in _BLOCK.finditer(text)
    }


def is_test(block: str) -> bool:
    return "def test_" in block


def written(place: str, block: str, folder: Path) -> Path:
    file = folder / place.replace(":", "-line-") / "test_block.py"
    file.parent.mkdir()
    file.write_text(block, "utf-8")
    return file


def run(command: list[str], files: list[Path], folder: Path) -> None:
    """Run the blocks in these files by a command that names each that it runs."""
    # The keys of the one who runs the tests are none of the documents' business.
    environment = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))}
    environment["PYTHONPATH"] = str(Path(llm_async.__file__).parents[1])
    command = [sys.executable, "-X", "dev", "-W", "error", *command, *map(str, files)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=_DEADLINE, cwd=folder, env=environment)
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert "Warning" not in ended.stderr
    assert [file for file in files if file.parent.name not in ended.stdout] == []


PROGRAMS = {
    document.name: programs
    for document in DOCUMENTS
    if (programs := {place: block for place, block in blocks(document).items() if not is_test(block)})
}
TESTS = {place: block for document in DOCUMENTS for place, block in blocks(document).items() if is_test(block)}


@pytest.mark.parametrize("document", PROGRAMS)
def test_the_programs_of_a_document_run_as_they_stand(document: str, tmp_path: Path) -> None:
    files = [written(place, block, tmp_path) for place, block in PROGRAMS[document].items()]
    run(["-c", _RUNNER], files, tmp_path)


def test_the_tests_in_the_documents_pass_as_they_stand(tmp_path: Path) -> None:
    files = [written(place, block, tmp_path) for place, block in TESTS.items()]
    alone = ["-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path), "--import-mode=importlib"]
    run(["-m", "pytest", "-v", *alone], files, tmp_path)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_what_a_document_links_to_is_there(document: Path) -> None:
    targets = _LINK.findall(document.read_text("utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_the_extras_are_those_that_the_installation_page_lists() -> None:
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "docs" / "installing.md").read_text("utf-8"), re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`([a-z]+)`", row)}
    assert listed == set(metadata("llm-async").get_all("Provides-Extra") or ())
