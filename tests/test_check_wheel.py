"""What scripts/check_wheel.py lets out and what it refuses, on wheels that are written here file by file."""

from __future__ import annotations

import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "check_wheel.py"
pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="the scripts are not here")

PACKAGE = (
    "llm_async/__init__.py",
    "llm_async/py.typed",
    "llm_async/_speedups/__init__.py",
    "llm_async/_speedups/sse_py.py",
    "llm_async/_speedups/deltas_py.py",
    "llm_async-1.0.dist-info/METADATA",
)
LINUX = "llm_async-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"
PLAIN = "llm_async-1.0-py3-none-any.whl"


def elf(*names: str, bits: int = 64, order: str = "<") -> bytes:
    """The smallest ELF file that has sections of these names."""
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in names) + b".shstrtab\0"
    starts = [1 + sum(len(name) + 1 for name in names[:number]) for number in range(len(names) + 1)]
    head_size, entry = (64, "IIQQQQIIQQ") if bits == 64 else (52, "10I")
    table = head_size + len(strings)
    size = struct.calcsize(order + entry)
    rows = [struct.pack(order + entry, *[0] * 10)]
    rows += [struct.pack(order + entry, start, 1, 0, 0, head_size, 0, 0, 0, 0, 0) for start in starts]
    word = "Q" if bits == 64 else "I"
    head = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1 if order == "<" else 2]) + bytes(10)
    head += struct.pack(
        f"{order}HHI3{word}I6H", 3, 62, 1, 0, 0, table, 0, head_size, 0, 0, size, len(rows), len(rows) - 1
    )
    return head + strings + b"".join(rows)


def wheel(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for file in PACKAGE:
            archive.writestr(file, b"")
        for file, data in files.items():
            archive.writestr(file, data)
    return path


def compiled(data: bytes = elf(".text"), suffix: str = ".cpython-313-x86_64-linux-gnu.so") -> dict[str, bytes]:
    return {f"llm_async/_speedups/{module}{suffix}": data for module in ("sse_c", "deltas_c")}


def check(*arguments: Path | str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


GOOD = {
    "Linux": (LINUX, compiled()),
    "Linux, 32 bits": (
        "llm_async-1.0-cp313-cp313-manylinux_2_28_i686.whl",
        compiled(elf(".text", bits=32), ".cpython-313-i386-linux-gnu.so"),
    ),
    "Linux, big endian": (
        "llm_async-1.0-cp313-cp313-manylinux_2_28_s390x.whl",
        compiled(elf(".text", order=">"), ".cpython-313-s390x-linux-gnu.so"),
    ),
    "macOS": ("llm_async-1.0-cp310-cp310-macosx_11_0_arm64.whl", compiled(b"mach", ".cpython-310-darwin.so")),
    "Windows": ("llm_async-1.0-cp311-cp311-win_amd64.whl", compiled(b"MZ", ".cp311-win_amd64.pyd")),
    "with a build number": ("llm_async-1.0-1-cp313-cp313-manylinux_2_28_x86_64.whl", compiled()),
    "plain": (PLAIN, {}),
}


@pytest.mark.parametrize("which", GOOD)
def test_a_right_wheel_passes(which: str, tmp_path: Path) -> None:
    name, files = GOOD[which]
    assert check(wheel(tmp_path, name, files)) == (0, "1 wheel checked, nothing wrong\n")


BAD = {
    "a platform's tag without any extension": (LINUX, {}, "the extension deltas_c is missing"),
    "one extension of two": (LINUX, dict(list(compiled().items())[:1]), "the extension deltas_c is missing"),
    "an extension for another Python": (
        LINUX,
        compiled(suffix=".cpython-312-x86_64-linux-gnu.so"),
        "is not made for cp313",
    ),
    "an extension that is too large": (LINUX, compiled(elf(".text") + bytes(150_000)), "150000 is the limit"),
    "symbols": (LINUX, compiled(elf(".text", ".symtab")), "is not stripped: it has .symtab"),
    "debugging information": (LINUX, compiled(elf(".debug_info", bits=32)), "is not stripped: it has .debug_info"),
    "a foreign library": (LINUX, {**compiled(), "llm_async/libfoo.so": b""}, "is no extension of this package"),
    "something compiled in a plain wheel": (PLAIN, compiled(), "is compiled, and the tag says"),
    "a plain wheel for one Python": ("llm_async-1.0-cp313-none-any.whl", {}, "has the tag py3-none-any"),
    "the tests": (PLAIN, {"tests/__init__.py": b""}, "tests/__init__.py does not belong into a wheel"),
    "sources of an extension": (PLAIN, {"llm_async/_speedups/sse_c.pyx": b""}, "is a source of an extension"),
}


@pytest.mark.parametrize("which", BAD)
def test_a_wrong_wheel_is_refused_with_a_reason(which: str, tmp_path: Path) -> None:
    name, files, reason = BAD[which]
    code, output = check(wheel(tmp_path, name, files))
    assert code == 1
    assert reason in output


def test_a_wheel_without_the_type_marker_is_refused(tmp_path: Path) -> None:
    path = tmp_path / PLAIN
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("llm_async/__init__.py", b"")
    assert "llm_async/py.typed is missing" in check(path)[1]


def test_nothing_to_check_is_an_error(tmp_path: Path) -> None:
    assert check()[0] == 2
    assert check("--release", tmp_path)[0] == 2


def release(folder: Path) -> Path:
    platforms = {
        "manylinux_2_27_x86_64.manylinux_2_28_x86_64": ".cpython-{}-x86_64-linux-gnu.so",
        "manylinux_2_28_aarch64": ".cpython-{}-aarch64-linux-gnu.so",
        "musllinux_1_2_x86_64": ".cpython-{}-x86_64-linux-musl.so",
        "musllinux_1_2_aarch64": ".cpython-{}-aarch64-linux-musl.so",
        "macosx_10_13_x86_64": ".cpython-{}-darwin.so",
        "macosx_11_0_arm64": ".cpython-{}-darwin.so",
        "win_amd64": ".cp{}-win_amd64.pyd",
    }
    for version in ("310", "311", "312", "313", "314", "315"):
        for platform, suffix in platforms.items():
            wheel(
                folder, f"llm_async-1.0-cp{version}-cp{version}-{platform}.whl", compiled(suffix=suffix.format(version))
            )
    wheel(folder, PLAIN, {})
    (folder / "llm_async-1.0.tar.gz").write_bytes(b"")
    return folder


def test_a_whole_release_passes(tmp_path: Path) -> None:
    assert check("--release", release(tmp_path)) == (0, "43 wheels checked, nothing wrong\n")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("*.tar.gz", "a release has one sdist"),
        ("*-any.whl", "the plain wheel (py3-none-any) is missing"),
        ("*cp314*macosx*arm64.whl", "no wheel for cp314 on macOS arm64"),
        ("*cp310*musllinux*x86_64.whl", "no wheel for cp310 on musllinux x86-64"),
    ],
)
def test_a_release_that_lacks_an_artifact_is_refused(tmp_path: Path, pattern: str, reason: str) -> None:
    for path in release(tmp_path).glob(pattern):
        path.unlink()
    code, output = check("--release", tmp_path)
    assert code == 1
    assert reason in output
