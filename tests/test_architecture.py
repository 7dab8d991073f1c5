"""The arrows of the design: which part of the package may import which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import llm_async

PACKAGE = Path(llm_async.__file__).parent

# What a part must not import, directly. ``TYPE_CHECKING`` blocks do not count: they are gone at run time.
FORBIDDEN = {
    "errors.py": {"aiosonic", ".models", ".protocols", ".providers", ".transport", ".agent", ".cli"},
    "retry.py": {"asyncio", "aiosonic", ".models", ".protocols", ".providers", ".transport", ".agent", ".cli"},
    "models": {"asyncio", "aiosonic", "ssl", "socket", ".protocols", ".providers", ".transport", ".agent", ".cli"},
    "protocols": {"asyncio", "aiosonic", "ssl", "socket", ".providers", ".transport", ".agent", ".cli", ".testing"},
    "_speedups": {"asyncio", "aiosonic", ".models", ".protocols", ".providers", ".transport", ".agent", ".cli"},
    "transport": {".protocols", ".providers", ".agent", ".cli", ".testing"},
    "providers": {".agent", ".cli", ".testing"},
    "structured": {"asyncio", "aiosonic", ".providers", ".transport", ".agent", ".cli", ".testing"},
    "tools": {"aiosonic", ".protocols", ".providers", ".transport", ".agent", ".cli", ".testing"},
    "tool.py": {"asyncio", "aiosonic", ".models", ".protocols", ".providers", ".transport", ".agent", ".cli"},
    "agent.py": {".cli", ".transport", ".protocols", ".testing", "aiosonic"},
    "agent_run.py": {".cli", ".transport", ".protocols", ".testing", "aiosonic"},
    "agent_events.py": {".cli", ".transport", ".protocols", ".providers", ".testing", "aiosonic"},
    "agent_results.py": {".cli", ".transport", ".protocols", ".testing", "aiosonic"},
    "fallback.py": {".agent", ".cli", ".transport", ".testing", "aiosonic"},
    "fallback_stream.py": {".agent", ".cli", ".transport", ".protocols", ".providers", ".testing", "aiosonic"},
    "cache": {"aiosonic", ".protocols", ".providers", ".transport", ".agent", ".cli", ".testing"},
    "testing": {".providers", ".transport", ".agent", ".cli", "aiosonic"},
}


def imports_of(path: Path) -> set[str]:
    """Names of the imported modules; those of this package begin with a dot and are relative to its root."""
    package = path.relative_to(PACKAGE).parent.parts
    found = set()

    class Visitor(ast.NodeVisitor):
        def visit_If(self, node: ast.If) -> None:
            if "TYPE_CHECKING" not in ast.dump(node.test):
                self.generic_visit(node)

        def visit_Import(self, node: ast.Import) -> None:
            for alias in node.names:
                found.add(alias.name.replace("llm_async.", "."))

        def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
            module = node.module or ""
            if node.level == 0:
                found.add(module.replace("llm_async.", ".") if module.startswith("llm_async") else module)
                return
            base = package[: len(package) - node.level + 1]
            found.add("." + ".".join((*base, *filter(None, [module]))))

    Visitor().visit(ast.parse(path.read_text("utf-8")))
    return found


def modules(part: str) -> list[Path]:
    place = PACKAGE / part
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


@pytest.mark.parametrize("part", FORBIDDEN)
def test_a_part_imports_only_what_lies_below_it(part: str) -> None:
    for module in modules(part):
        for name in imports_of(module):
            for forbidden in FORBIDDEN[part]:
                assert not (name + ".").startswith(forbidden.rstrip(".") + "."), f"{module.name} imports {name}"


def test_only_the_transport_and_the_doors_that_programs_patch_know_aiosonic() -> None:
    doors = {"utils/http.py", "utils/retry.py", "providers/base.py"}
    for module in PACKAGE.rglob("*.py"):
        place = module.relative_to(PACKAGE).as_posix()
        if not place.startswith("transport/") and place not in doors:
            assert not any(name.split(".")[0] == "aiosonic" for name in imports_of(module)), place


def test_every_module_begins_by_saying_what_belongs_in_it() -> None:
    for module in PACKAGE.rglob("*.py"):
        text = module.read_text("utf-8")
        assert not text or ast.get_docstring(ast.parse(text)), module
