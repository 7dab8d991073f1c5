"""``make wheels``: builds the artifacts of this machine and proves what can be proved here, in clean environments.

1. sdist; from it the plain wheel and a compiled one for each interpreter, on Linux repaired by auditwheel;
2. the same once more from a copy of the sources: sdist and wheels must have the same bytes;
3. twine, check-wheel-contents and check_wheel.py look at them; a bill of materials is written beside them;
4. for each interpreter the suite runs outside the checkout against the installed wheel, compiled and plain;
5. the plain wheel passes it where there is neither a compiler nor orjson;
6. the sdist installs without a compiler, says so, and fails where extensions are required.

Not shown by this: old C libraries, musl, macOS, Windows, arm; the workflow ``wheels`` builds and tests there.

    python scripts/wheels.py [--python PATH ...] [--tests "-k words"] [--quick]

The suites run side by side, as many as there are cores. ``--quick`` leaves out every interpreter but the first and step 4's
plain run, does one thing at a time, and tests of the compiled wheel only what an installed wheel can change: which twins are in
use and what can be imported. Each part prints its seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import artifacts
from check_wheel import tags

ROOT = artifacts.ROOT
SCRIPTS = ROOT / "scripts"
# What the tests need beside an installed package: never the package itself, which would be imported instead.
BESIDE_TESTS = ("tests", "examples", "docs", "benchmarks", "scripts", "pyproject.toml", "README.md", "CHANGELOG.md")
# What --quick runs against the compiled wheel; the whole suite runs against the same sources in the checkout.
QUICK_TESTS = (
    "tests/test_speedups.py",
    "tests/test_public_api.py",
    "tests/test_sse.py",
    "tests/providers/test_calls.py",
)


class Failed(Exception):
    """A command that must pass did not."""


@contextmanager
def part(name: str) -> Iterator[Callable[[str], None]]:
    """One part of the work: that it has begun, and at its end what was said in it and how long it took, as a whole."""
    said: list[str] = []
    print(f"... {name}", flush=True)
    begun = time.monotonic()
    try:
        yield said.append
    finally:
        said.append(f"{time.monotonic() - begun:.0f} s")
        lines = "\n".join(said).replace("\n", "\n    ")
        print(f"--- {name}\n    {lines}\n", end="", flush=True)


def run(
    *command: str | Path,
    cwd: Path | None = None,
    succeeds: bool = True,
    env: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Run a command without the variables that steer this package; its output, which is in the error when it disappoints."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LLM_ASYNC_", "PYTHONPATH"))}
    if wire := os.environ.get("LLM_ASYNC_WIRE"):
        inherited["LLM_ASYNC_WIRE"] = wire
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**inherited, "NO_COLOR": "1", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=3600,
    )
    if (done.returncode == 0) is not succeeds:
        raise Failed(f"{done.stdout}\n{shlex.join(map(str, command))}: exit code {done.returncode}")
    return done.stdout.strip()


class Environment:
    """A clean virtual environment in a temporary folder; the first one's pip serves the others, too."""

    def __init__(self, folder: Path, python: Path | str, first: Environment | None = None) -> None:
        run(python, "-m", "venv", folder, *(["--without-pip"] if first else []))
        self.bin = folder / "bin"
        self.python = self.bin / "python"
        self._pip: list[str | Path] = [self.python, "-m", "pip"]
        if first is None:
            self.pip("install", "--upgrade", "pip>=25.1")
        else:
            self._pip = [*first._pip, "--python", self.python]

    def pip(self, *arguments: str | Path, succeeds: bool = True, env: Mapping[str, str] = MappingProxyType({})) -> str:
        quiet = [] if "-v" in arguments else ["--quiet"]
        return run(*self._pip, *arguments, *quiet, succeeds=succeeds, env=env)

    def install(self, wheel: Path) -> None:
        """The wheel and what the suite needs, as a user's installer would put them there."""
        self.pip(
            "install", f"llm-async[all] @ {wheel.absolute().as_uri()}", "--group", f"{ROOT / 'pyproject.toml'}:test"
        )

    def suite(self, beside: Path, tests: list[str], env: Mapping[str, str]) -> str:
        """The suite in a folder that holds no package, so that only the installed one can be tested; its last line."""
        shown = run(self.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, cwd=beside, env=env)
        return shown.rpartition("\n")[2]


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def make(out: Path, builders: list[Environment], elsewhere: Path) -> None:
    """Every artifact of this machine, into ``out``."""
    sdist = artifacts.build_sdist(out, builders[0].python)
    artifacts.build_wheel(sdist, out, builders[0].python, pure=True)
    for builder in builders:
        wheel = artifacts.build_wheel(sdist, elsewhere, builder.python)
        if sys.platform == "linux":
            # auditwheel refuses a wheel without extensions, and gives the others the tag of the C library they need.
            tool, path = builders[0].bin, f"{builders[0].bin}{os.pathsep}{os.environ['PATH']}"
            date = str(artifacts.source_date())
            run(tool / "auditwheel", "show", wheel, env={"PATH": path})
            run(tool / "auditwheel", "repair", "-w", out, wheel, env={"PATH": path, "SOURCE_DATE_EPOCH": date})
            wheel.unlink()
        else:
            shutil.move(wheel, out / wheel.name)


def inspect(out: Path, tools: Environment) -> Iterator[str]:
    """What the usual inspectors and our own say about the artifacts, and the bill of materials."""
    everything, wheels = sorted(out.iterdir()), sorted(out.glob("*.whl"))
    yield run(tools.bin / "twine", "--no-color", "check", "--strict", *everything)
    yield run(tools.bin / "check-wheel-contents", *wheels)
    yield run(tools.python, SCRIPTS / "check_wheel.py", *wheels)
    yield run(tools.python, SCRIPTS / "sbom.py", out)


def no_compiler(folder: Path) -> dict[str, str]:
    """Variables under which no compiler can be found: an empty PATH, and CC naming none."""
    folder.mkdir(exist_ok=True)
    return {"PATH": str(folder), "CC": "/bin/false", "CXX": "/bin/false"}


def prove(arguments: argparse.Namespace, temporary: Path) -> None:
    """All six steps."""
    pythons: list[str] = arguments.python or [sys.executable]
    if arguments.quick:
        del pythons[1:]
    out: Path = arguments.out

    with part(f"environments that build, for {len(pythons)} interpreters"):
        tools = Environment(temporary / "build0", pythons[0])
        others = [Environment(temporary / f"build{place}", path, tools) for place, path in enumerate(pythons[1:], 1)]
        builders = [tools, *others]
        tools.pip("install", "--group", f"{ROOT / 'pyproject.toml'}:build")
        for builder in builders[1:]:
            builder.pip("install", "build>=1.6,<2")
        for builder in builders:
            builder.pip("install", "--require-hashes", "--requirement", artifacts.PINS)
    with part("sdist, plain wheel, compiled wheels") as say:
        shutil.rmtree(out, ignore_errors=True)
        make(out, builders, temporary / "unrepaired")
        say("\n".join(path.name for path in sorted(out.iterdir())))
    with part("again: the same sources give the same bytes"):
        make(temporary / "again", builders, temporary / "unrepaired")
        if (first := digests(out)) != (second := digests(temporary / "again")):
            raise Failed(f"two builds differ:\n{first}\n{second}")
    with part("inspection, bill of materials") as say:
        for said in inspect(out, tools):
            say(said)

    (sdist,) = out.glob("*.tar.gz")
    (plain,) = out.glob("*-py3-none-any.whl")
    beside = temporary / "beside"
    beside.mkdir()
    source = artifacts.unpack(sdist, temporary / "sdist")
    for name in filter(lambda name: (source / name).exists(), BESIDE_TESTS):
        (shutil.copytree if (source / name).is_dir() else shutil.copy)(source / name, beside / name)

    tests: list[str] = shlex.split(arguments.tests)

    def with_compiler(number: int) -> None:
        environment = Environment(temporary / f"user{number}", pythons[number], tools)
        version = run(environment.python, "-c", "import sys; print('cp%d%d' % sys.version_info[:2])")
        (wheel,) = (path for path in out.glob("*.whl") if tags(path)[0] == version)
        with part(f"{wheel.name}: installed, compiled") as say:
            environment.install(wheel)
            environment.pip("check")
            say(run(environment.python, "-m", "llm_async", "info", cwd=beside))
            compiled = [*QUICK_TESTS] if arguments.quick else tests
            say(environment.suite(beside, compiled, {"LLM_ASYNC_REQUIRE_EXTENSIONS": "1"}))
        if not arguments.quick:
            with part(f"{wheel.name}: plain by LLM_ASYNC_NO_EXTENSIONS=1") as say:
                say(environment.suite(beside, tests, {"LLM_ASYNC_NO_EXTENSIONS": "1"}))

    def without_compiler() -> None:
        bare, hidden = Environment(temporary / "bare", pythons[0], tools), no_compiler(temporary / "empty")
        with part(f"{plain.name}: no compiler, no orjson") as say:
            bare.install(plain)
            bare.pip("check")
            bare.pip("uninstall", "--yes", "orjson")
            say(run(bare.python, "-m", "llm_async", "info", cwd=beside))
            say(bare.suite(beside, tests, hidden))
        with part(f"{sdist.name}: no compiler") as say:
            bare.pip("uninstall", "--yes", "llm-async")
            said = bare.pip("install", "-v", sdist, env=hidden)
            lines = [line.strip() for line in said.splitlines() if "llm-async: no extensions" in line]
            if len(lines) != 1:
                raise Failed(f"one line should say that there are no extensions, not {len(lines)}")
            say(lines[0])
            run(bare.python, "-c", "import llm_async._speedups as s; assert not s.COMPILED", cwd=beside)
            required = {"LLM_ASYNC_REQUIRE_EXTENSIONS": "1", **hidden}
            bare.pip("install", "--force-reinstall", sdist, succeeds=False, env=required)

    with ThreadPoolExecutor(1 if arguments.quick else os.cpu_count()) as side_by_side:
        jobs = [side_by_side.submit(without_compiler)]
        jobs += [side_by_side.submit(with_compiler, number) for number in range(len(pythons))]
        for job in jobs:
            job.result()


def main() -> int:
    """Do it all; 1 when anything disappoints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", action="append", metavar="PATH", help="an interpreter; may be given several times")
    parser.add_argument("--tests", default="tests", metavar="ARGS", help="arguments for pytest (default: tests)")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="one interpreter, its compiled wheel in short")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as temporary:
            prove(arguments, Path(temporary))
    except Failed as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print(f"all held; the artifacts are in {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
