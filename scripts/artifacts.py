"""Builds the sdist and the wheels so that the same sources give the same bytes, whoever builds them, where and when.

What would differ otherwise: times (all are those of the last commit, or ``SOURCE_DATE_EPOCH``), owners and permissions in the
sdist, the umask, and the versions of what builds. Every build begins with a copy of the sources in a fresh folder. The
interpreter that builds must have ``build`` and exactly what ``build-inputs.txt`` pins; anything else is refused.

    python -m pip install --group build
    python -m pip install --require-hashes --requirement scripts/build-inputs.txt
    python scripts/artifacts.py [--out dist] [--pure]      an sdist, and a wheel made from it
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PINS = ROOT / "scripts" / "build-inputs.txt"
NOT_SOURCES = shutil.ignore_patterns(
    ".*", "build", "dist", "*.egg-info", "__pycache__", "*.so", "*.pyd", "*.c", "htmlcov"
)


def source_date() -> int:
    """Seconds since 1970 that stand for the sources: ``SOURCE_DATE_EPOCH``, the last commit, or the sdist's own date."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    if (ROOT / ".git").exists():
        shown = subprocess.run(
            ["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
        )
        return int(shown.stdout)
    return int((ROOT / "PKG-INFO").stat().st_mtime)


def copy_sources(target: Path) -> None:
    """The project's own files, without anything that was made beside them."""
    if not (ROOT / ".git").exists():
        shutil.copytree(ROOT, target, ignore=NOT_SOURCES)
        return
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():  # not one that was removed and not committed yet
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def pins() -> dict[str, str]:
    """Name and version of what builds the artifacts."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", PINS.read_text("utf-8"), re.MULTILINE))


def refuse_other_tools(python: Path | str) -> None:
    """Stop unless this interpreter has exactly the pinned versions."""
    ask = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    shown = subprocess.run(
        [str(python), "-c", ask, *pins()], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60
    )
    if shown.stdout.split() != list(pins().values()):
        raise SystemExit(f"{python} needs: -m pip install --require-hashes --requirement {PINS}")


def build(kind: str, source: Path, python: Path | str, out: Path, **variables: str) -> Path:
    """Run ``python -m build`` in ``source`` and return what it made."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LLM_ASYNC_")}
    environment = {
        **inherited,
        "SOURCE_DATE_EPOCH": str(source_date()),
        "PYTHONHASHSEED": "0",
        **variables,
    }
    refuse_other_tools(python)
    with tempfile.TemporaryDirectory() as fresh:
        command = [str(python), "-m", "build", "--no-isolation", f"--{kind}", "--outdir", fresh, str(source)]
        done = subprocess.run(
            command,
            cwd=fresh,  # the project has a folder named build
            env=environment,
            umask=0o022,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        if done.returncode:
            raise SystemExit(f"{done.stdout}\n{' '.join(command)} failed")
        (made,) = Path(fresh).iterdir()
        out.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(made, out / made.name))


def build_sdist(out: Path, python: Path | str = sys.executable) -> Path:
    """The sdist of the sources beside this script."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source")
        copy_sources(source)
        path = build("sdist", source, python, out)
    pack_again(path, source_date())
    return path


def build_wheel(sdist: Path, out: Path, python: Path | str = sys.executable, *, pure: bool = False) -> Path:
    """A wheel made from an sdist: compiled for ``python`` (or an error), or for every platform when ``pure``."""
    wanted = "LLM_ASYNC_NO_EXTENSIONS" if pure else "LLM_ASYNC_REQUIRE_EXTENSIONS"
    with tempfile.TemporaryDirectory() as folder:
        return build("wheel", unpack(sdist, Path(folder)), python, out, **{wanted: "1"})


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack an sdist and return the one folder that it holds."""
    with tarfile.open(sdist) as archive:
        # Pythons before 3.10.12 and 3.11.4 have no filters; what is unpacked here was packed here.
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # type: ignore[arg-type]
    (root,) = (path for path in folder.iterdir() if path.is_dir())
    return root


def pack_again(sdist: Path, date: int) -> None:
    """Write an sdist anew with everything settled that depends on the machine and the moment."""
    with tempfile.TemporaryDirectory() as folder:
        root = unpack(sdist, Path(folder))
        # The outer file name and time would go into the gzip header.
        with (
            sdist.open("wb") as raw,
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=date) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path in [root, *sorted(root.rglob("*"))]:
                entry = archive.gettarinfo(path, path.relative_to(folder).as_posix())
                entry.uid = entry.gid = 0
                entry.uname = entry.gname = ""
                entry.mtime = date
                entry.mode = 0o755 if path.is_dir() or entry.mode & 0o100 else 0o644
                if path.is_dir():
                    archive.addfile(entry)
                else:
                    with path.open("rb") as content:
                        archive.addfile(entry, content)


def main() -> int:
    """Build what the command line asks for and print the paths."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="FOLDER")
    parser.add_argument("--pure", action="store_true", help="a wheel without extensions, for every platform")
    arguments = parser.parse_args()
    sdist = build_sdist(arguments.out)
    print(sdist)
    print(build_wheel(sdist, arguments.out, pure=arguments.pure))
    return 0


if __name__ == "__main__":
    sys.exit(main())
