"""``make wheels``: builds the artifacts of this machine and proves what can be proved here, in clean environments.

1. sdist; from it the plain wheel and a compiled one for each interpreter, on Linux repaired by auditwheel;
2. the same once more from a copy of the sources: sdist and wheels must have the same bytes;
3. twine, check-wheel-contents and check_wheel.py look at them; a bill of materials is written beside them;
4. for each interpreter the suite runs outside the checkout against the installed wheel, compiled and plain;
5. the plain wheel passes it where there is neither a compiler nor orjson;
6. the sdist installs without a compiler, says so, and fails where extensions are required.

Not shown by this: old C libraries, musl, macOS, Windows, arm; the workflow ``wheels`` builds and tests there.

    python scripts/wheels.py [--python PATH ...] [--tests "-k words"] [--quick]

``--quick`` leaves out every interpreter but the first and step 4's plain run, and tests of the compiled wheel only what an
installed wheel can change: which twins are in use and what can be imported. Each part prints its seconds.
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
from collections.abc import Iterator, Mapping
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
def part(name: str) -> Iterator[None]:
    """Frame one part of the work with its name and its seconds."""
    print(f"--- {name}", flush=True)
    begun = time.monotonic()
    yield
    print(f"    {time.monotonic() - begun:.0f} s", flush=True)


def run(
    *command: str | Path,
    cwd: Path | None = None,
    succeeds: bool = True,
    quiet: bool = True,
    env: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Run a command without the variables that steer this package; its output, which is shown when it disappoints."""
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
        print(done.stdout)
        raise Failed(f"{shlex.join(map(str, command))}: exit code {done.returncode}")
    if not quiet:
        print("    " + done.stdout.strip().replace("\n", "\n    "), flush=True)
    return done.stdout


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

    def suite(self, beside: Path, tests: list[str], env: Mapping[str, str]) -> None:
        """The suite in a folder that holds no package, so that only the installed one can be tested."""
        shown = run(self.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, cwd=beside, env=env)
        print("    " + shown.strip().rpartition("\n")[2], flush=True)


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


def inspect(out: Path, tools: Environment) -> None:
    """What the usual inspectors and our own say about the artifacts."""
    everything, wheels = sorted(out.iterdir()), sorted(out.glob("*.whl"))
    run(tools.bin / "twine", "--no-color", "check", "--strict", *everything, quiet=False)
    run(tools.bin / "check-wheel-contents", *wheels, quiet=False)
    run(tools.python, SCRIPTS / "check_wheel.py", *wheels, quiet=False)


def without_compiler(folder: Path) -> dict[str, str]:
    """Variables under which no compiler can be found: an empty PATH, and CC naming none."""
    folder.mkdir(exist_ok=True)
    return {"PATH": str(folder), "CC": "/bin/false", "CXX": "/bin/false"}


def prove(arguments: argparse.Namespace, temporary: Path) -> None:
    """All six steps."""
    tests: list[str] = shlex.split(arguments.tests)
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
    with part("sdist, plain wheel, compiled wheels"):
        shutil.rmtree(out, ignore_errors=True)
        make(out, builders, temporary / "unrepaired")
        print("    " + "\n    ".join(path.name for path in sorted(out.iterdir())))
    with part("again: the same sources give the same bytes"):
        make(temporary / "again", builders, temporary / "unrepaired")
        if (first := digests(out)) != (second := digests(temporary / "again")):
            raise Failed(f"two builds differ:\n{first}\n{second}")
    with part("inspection, bill of materials"):
        inspect(out, tools)
        run(tools.python, SCRIPTS / "sbom.py", out, quiet=False)

    (sdist,) = out.glob("*.tar.gz")
    (plain,) = out.glob("*-py3-none-any.whl")
    beside = temporary / "beside"
    beside.mkdir()
    source = artifacts.unpack(sdist, temporary / "sdist")
    for name in filter(lambda name: (source / name).exists(), BESIDE_TESTS):
        (shutil.copytree if (source / name).is_dir() else shutil.copy)(source / name, beside / name)

    for number, python in enumerate(pythons):
        environment = Environment(temporary / f"user{number}", python, tools)
        version = run(environment.python, "-c", "import sys; print('cp%d%d' % sys.version_info[:2])").strip()
        (wheel,) = (path for path in out.glob("*.whl") if tags(path)[0] == version)
        with part(f"{wheel.name}: installed, compiled"):
            environment.install(wheel)
            environment.pip("check")
            run(environment.python, "-m", "llm_async", "info", quiet=False, cwd=beside)
            compiled = [*QUICK_TESTS] if arguments.quick else tests
            environment.suite(beside, compiled, {"LLM_ASYNC_REQUIRE_EXTENSIONS": "1"})
        if not arguments.quick:
            with part(f"{wheel.name}: plain by LLM_ASYNC_NO_EXTENSIONS=1"):
                environment.suite(beside, tests, {"LLM_ASYNC_NO_EXTENSIONS": "1"})

    bare = Environment(temporary / "bare", pythons[0], tools)
    hidden = without_compiler(temporary / "empty")
    with part(f"{plain.name}: no compiler, no orjson"):
        bare.install(plain)
        bare.pip("check")
        bare.pip("uninstall", "--yes", "orjson")
        run(bare.python, "-m", "llm_async", "info", quiet=False, cwd=beside)
        bare.suite(beside, tests, hidden)
    with part(f"{sdist.name}: no compiler"):
        bare.pip("uninstall", "--yes", "llm-async")
        said = bare.pip("install", "-v", sdist, env=hidden)
        lines = [line.strip() for line in said.splitlines() if "llm-async: no extensions" in line]
        if len(lines) != 1:
            raise Failed(f"one line should say that there are no extensions, not {len(lines)}")
        print(f"    {lines[0]}")
        run(bare.python, "-c", "import llm_async._speedups as s; assert not s.COMPILED", cwd=beside)
        required = {"LLM_ASYNC_REQUIRE_EXTENSIONS": "1", **hidden}
        bare.pip("install", "--force-reinstall", sdist, succeeds=False, env=required)


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
