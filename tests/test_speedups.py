"""Choosing between compiled and plain twins: in fresh interpreters, since the choice is made once, at import."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import llm_async
from llm_async import _speedups

PACKAGE = Path(llm_async.__file__).parent
SHOW = "from llm_async import _speedups as s; print(s.COMPILED, s.EventDecoder.__module__, s.REASON, sep='|')"
PAIRS = {
    "deltas": "DeltaMerger",
    "fragments": "Fragments",
    "framing": "ChunkedDecoder",
    "partial_json": "PartialJSON",
    "sse": "EventDecoder",
    "tool_calls": "ToolCallAccumulator",
}

needs_extensions = pytest.mark.skipif(not _speedups.COMPILED, reason=_speedups.REASON)


def run(code: str, root: Path = PACKAGE.parent, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LLM_ASYNC_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**environment, "PYTHONPATH": str(root), **variables},
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder with the package as a pure installation has it."""
    shutil.copytree(PACKAGE, tmp_path / "llm_async", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    return tmp_path


@needs_extensions
@pytest.mark.parametrize("variables", [{}, {"LLM_ASYNC_NO_EXTENSIONS": "0"}, {"LLM_ASYNC_NO_EXTENSIONS": ""}])
@pytest.mark.parametrize("required", [{}, {"LLM_ASYNC_REQUIRE_EXTENSIONS": "1"}])
def test_installed_extensions_are_used(variables: dict[str, str], required: dict[str, str]) -> None:
    assert run(SHOW, **variables, **required).stdout == "True|llm_async._speedups.sse_c|compiled extensions in use\n"


@pytest.mark.parametrize("value", ["1", "yes"])
def test_extensions_can_be_refused(value: str) -> None:
    shown = run(SHOW, LLM_ASYNC_NO_EXTENSIONS=value, LLM_ASYNC_REQUIRE_EXTENSIONS="0")
    assert shown.stdout == "False|llm_async._speedups.sse_py|LLM_ASYNC_NO_EXTENSIONS is set\n"


def test_refusing_and_requiring_extensions_is_an_error() -> None:
    shown = run(SHOW, LLM_ASYNC_NO_EXTENSIONS="1", LLM_ASYNC_REQUIRE_EXTENSIONS="1")
    assert shown.returncode != 0
    assert "LLM_ASYNC_NO_EXTENSIONS and LLM_ASYNC_REQUIRE_EXTENSIONS are both set" in shown.stderr


def test_a_pure_installation_works_and_says_so(bare: Path) -> None:
    shown = run(SHOW, bare).stdout
    assert shown.startswith("False|llm_async._speedups.sse_py|no compiled extensions are installed: No module named")


def test_a_pure_installation_fails_where_extensions_are_required(bare: Path) -> None:
    shown = run(SHOW, bare, LLM_ASYNC_REQUIRE_EXTENSIONS="1")
    assert shown.returncode != 0
    assert "LLM_ASYNC_REQUIRE_EXTENSIONS is set, and no compiled extensions are installed" in shown.stderr


@pytest.mark.parametrize("broken", [f"{pair}_c" for pair in PAIRS])
def test_one_broken_extension_leaves_all_of_them_unused(bare: Path, broken: str) -> None:
    target = bare / "llm_async" / "_speedups"
    for pair in PAIRS:
        # What stands in for an extension here is found by its name, as an extension is.
        (target / f"{pair}_c.py").write_text(f"from .{pair}_py import *\n", "utf-8")
    (target / f"{broken}.py").unlink()
    (target / f"{broken}{sysconfig.get_config_var('EXT_SUFFIX')}").write_bytes(b"no library")
    shown = run(SHOW, bare)
    assert shown.stdout.startswith("False|llm_async._speedups.sse_py|the compiled extensions cannot be loaded: ")
    shown = run(SHOW, bare, LLM_ASYNC_REQUIRE_EXTENSIONS="1")
    assert shown.returncode != 0
    assert "the compiled extensions cannot be loaded" in shown.stderr


def test_an_extension_that_lacks_a_module_is_no_missing_extension(bare: Path) -> None:
    (bare / "llm_async" / "_speedups" / "deltas_c.py").write_text("import absent_module\n", "utf-8")
    shown = run(SHOW, bare).stdout
    assert shown.startswith("False|llm_async._speedups.sse_py|the compiled extensions cannot be loaded: ")


@pytest.mark.parametrize(("pair", "name"), PAIRS.items())
def test_the_twins_have_the_same_surface(
    twins: Callable[[str], tuple[ModuleType, ModuleType]], pair: str, name: str
) -> None:
    compiled, plain = (getattr(module, name) for module in twins(pair))
    assert compiled.__name__ == plain.__name__ == name
    public = [attribute for attribute in dir(plain) if not attribute.startswith("_")]
    assert [attribute for attribute in dir(compiled) if not attribute.startswith("_")] == public
    for attribute in public:
        one, other = getattr(compiled, attribute), getattr(plain, attribute)
        assert callable(one) is callable(other)
        if callable(one):
            assert list(inspect.signature(one).parameters) == list(inspect.signature(other).parameters)
            assert one.__doc__.split("\n")[0] == other.__doc__.split("\n")[0]


@pytest.mark.parametrize(("pair", "name"), PAIRS.items())
def test_what_is_exported_is_one_of_the_twins(pair: str, name: str) -> None:
    expected = f"llm_async._speedups.{pair}_{'c' if _speedups.COMPILED else 'py'}"
    assert getattr(_speedups, name).__module__ == expected


def test_every_source_has_a_twin() -> None:
    sources = PACKAGE.parent / "_speedups"
    if not sources.is_dir():
        pytest.skip("the sources of the extensions are not here")
    assert {source.stem.removesuffix("_c") for source in sources.glob("*.pyx")} == set(PAIRS)
    assert {twin.stem.removesuffix("_py") for twin in (PACKAGE / "_speedups").glob("*_py.py")} == set(PAIRS)
