"""Refuses wheels that must not leave: ``check_wheel.py WHEEL ...``, or ``--release FOLDER`` for everything of one release.

A build whose compiler failed still makes a wheel with a platform's tag, so the tag proves nothing. Here a wheel is opened:

- with a platform's tag it holds the compiled twin of every ``llm_async/_speedups/NAME_py.py``, made for the tag's Python,
  each below 150 kB and, on Linux, stripped;
- with the tag ``py3-none-any`` it holds nothing compiled;
- either way it holds the package and its metadata, and no sources of extensions, tests or other folders.

Exit code 1 and one line per fault when something is wrong. Needs nothing but the standard library.
"""

from __future__ import annotations

import argparse
import re
import struct
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

LARGEST_EXTENSION = 150_000  # bytes
BINARY_SUFFIXES = {".so", ".pyd", ".dll", ".dylib"}
SPEEDUPS = PurePosixPath("llm_async/_speedups")

PYTHONS = ("cp310", "cp311", "cp312", "cp313", "cp314", "cp315")
PLATFORMS = {
    "manylinux x86-64": r"manylinux.*_x86_64",
    "manylinux arm64": r"manylinux.*_aarch64",
    "musllinux x86-64": r"musllinux.*_x86_64",
    "musllinux arm64": r"musllinux.*_aarch64",
    "macOS x86-64": r"macosx.*_x86_64",
    "macOS arm64": r"macosx.*_arm64",
    "Windows x86-64": r"win_amd64",
}


def tags(wheel: Path) -> tuple[str, str, str]:
    """Python, ABI and platform tag, as the file's name says them."""
    python, abi, platform = wheel.stem.split("-")[-3:]
    return python, abi, platform


def sections(elf: bytes) -> set[str]:
    """Names of the sections of an ELF file, which is what Linux extensions are; empty for any other file."""
    if elf[:4] != b"\x7fELF":
        return set()
    order = "<" if elf[5] == 1 else ">"
    if elf[4] == 2:  # 64 bits
        (table,) = struct.unpack_from(f"{order}Q", elf, 0x28)
        size, count, names = struct.unpack_from(f"{order}HHH", elf, 0x3A)
        place, offset_field = 0x18, "Q"
    else:
        (table,) = struct.unpack_from(f"{order}I", elf, 0x20)
        size, count, names = struct.unpack_from(f"{order}HHH", elf, 0x2E)
        place, offset_field = 0x10, "I"
    if not count:
        return set()
    (strings,) = struct.unpack_from(f"{order}{offset_field}", elf, table + names * size + place)
    found = set()
    for number in range(count):
        (name,) = struct.unpack_from(f"{order}I", elf, table + number * size)
        found.add(elf[strings + name : elf.index(b"\0", strings + name)].decode("ascii"))
    return found


def layout_faults(names: list[PurePosixPath]) -> Iterator[str]:
    """What is missing from any wheel, and what is in it by mistake."""
    for needed in ("llm_async/__init__.py", "llm_async/py.typed", "llm_async/_speedups/__init__.py"):
        if PurePosixPath(needed) not in names:
            yield f"{needed} is missing"
    for name in names:
        if name.parts[0] != "llm_async" and not name.parts[0].endswith(".dist-info"):
            yield f"{name} does not belong into a wheel"
        elif name.suffix in {".pyx", ".pxd", ".c"}:
            yield f"{name} is a source of an extension"


def extension_faults(wheel: zipfile.ZipFile, names: list[PurePosixPath], python: str) -> Iterator[str]:
    """What is wrong with the compiled modules of a wheel whose tag names a platform."""
    found = {name.name.partition(".")[0]: name for name in names if name.suffix in BINARY_SUFFIXES}
    expected = {
        f"{name.stem.removesuffix('_py')}_c" for name in names if name.parent == SPEEDUPS if name.match("*_py.py")
    }
    if not expected:
        yield "no plain twins: this check no longer knows which extensions there should be"
    for module in sorted(expected - set(found)):
        yield f"the tag names a platform, and the extension {module} is missing"
    for module in sorted(set(found) - expected):
        yield f"{found[module]} is no extension of this package"
    for module in sorted(expected & set(found)):
        name = found[module]
        data = wheel.read(name.as_posix())
        if name.parent != SPEEDUPS:
            yield f"{name} lies in the wrong folder"
        if f".cpython-{python.removeprefix('cp')}-" not in name.name and f".{python}-" not in name.name:
            yield f"{name.name} is not made for {python}"
        if len(data) >= LARGEST_EXTENSION:
            yield f"{name.name} has {len(data)} bytes; {LARGEST_EXTENSION} is the limit"
        unwanted = sorted(section for section in sections(data) if section == ".symtab" or section.startswith(".debug"))
        if unwanted:
            yield f"{name.name} is not stripped: it has {', '.join(unwanted)}"


def faults(wheel: Path) -> Iterator[str]:
    """Each thing that is wrong with one wheel, as a sentence."""
    python, abi, platform = tags(wheel)
    with zipfile.ZipFile(wheel) as archive:
        names = [PurePosixPath(name) for name in archive.namelist() if not name.endswith("/")]
        yield from layout_faults(names)
        if platform != "any":
            yield from extension_faults(archive, names, python)
            return
        if (python, abi) != ("py3", "none"):
            yield f"a wheel for every platform has the tag py3-none-any, not {python}-{abi}-any"
        for name in names:
            if name.suffix in BINARY_SUFFIXES:
                yield f"{name} is compiled, and the tag says that the wheel is for every platform"


def release_faults(folder: Path) -> Iterator[str]:
    """What a release lacks: one sdist, one plain wheel, and a compiled one for each Python and platform."""
    if len(list(folder.glob("*.tar.gz"))) != 1:
        yield "a release has one sdist"
    wheels = [tags(wheel) for wheel in folder.glob("*.whl")]
    if ("py3", "none", "any") not in wheels:
        yield "the plain wheel (py3-none-any) is missing"
    for python in PYTHONS:
        for platform, pattern in PLATFORMS.items():
            if not any(found == python and re.fullmatch(pattern, where) for found, _, where in wheels):
                yield f"no wheel for {python} on {platform}"


def main(argv: list[str] | None = None) -> int:
    """Print the faults; 0 when there are none."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("wheels", nargs="*", type=Path, metavar="WHEEL")
    parser.add_argument(
        "--release", type=Path, metavar="FOLDER", help="check the set of artifacts, and each wheel in it"
    )
    arguments = parser.parse_args(argv)
    wheels = list(arguments.wheels)
    found = []
    if arguments.release is not None:
        found += [f"{arguments.release}: {fault}" for fault in release_faults(arguments.release)]
        wheels += sorted(arguments.release.glob("*.whl"))
    if not wheels:
        parser.error("no wheel to check")
    for wheel in wheels:
        found += [f"{wheel.name}: {fault}" for fault in faults(wheel)]
    for line in found:
        print(line, file=sys.stderr)
    if not found:
        print(f"{len(wheels)} wheel{'s' * (len(wheels) != 1)} checked, nothing wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
