"""Compiles ``_speedups/*.pyx`` into ``llm_async/_speedups/``, and nothing else; all metadata is in pyproject.toml.

The extensions are optional: where they cannot be compiled, one line says so, the build goes on without any of them, and the
plain-Python twins serve. The environment decides otherwise (``0`` and empty mean no):

``LLM_ASYNC_NO_EXTENSIONS=1``       build none, which gives a wheel for every platform
``LLM_ASYNC_REQUIRE_EXTENSIONS=1``  a failed compilation fails the build
``LLM_ASYNC_CYTHON_TRACE=1``        line tracing, for coverage of the .pyx files
"""

import os
import sys
from pathlib import Path
from textwrap import shorten

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

# Without debugging information and symbols a module is a quarter of the size.
if sys.platform == "win32":
    COMPILER_FLAGS, LINKER_FLAGS = [], []  # both are kept apart from the module there
elif sys.platform == "darwin":
    COMPILER_FLAGS, LINKER_FLAGS = ["-g0"], ["-Wl,-S", "-Wl,-x"]
else:
    COMPILER_FLAGS, LINKER_FLAGS = ["-g0"], ["-Wl,-s"]


def wanted(name: str) -> bool:
    return os.environ.get(name, "") not in ("", "0")


def extensions() -> list[Extension]:
    from Cython.Build import cythonize

    trace = wanted("LLM_ASYNC_CYTHON_TRACE")
    # coverage hears settrace only, and Cython would use sys.monitoring from Python 3.13 on.
    macros = [("CYTHON_TRACE_NOGIL", "1"), ("CYTHON_USE_SYS_MONITORING", "0")] if trace else []
    return cythonize(
        [
            Extension(
                f"llm_async._speedups.{source.stem}",
                [source.as_posix()],
                define_macros=macros,
                extra_compile_args=COMPILER_FLAGS,
                extra_link_args=LINKER_FLAGS,
            )
            for source in sorted(Path("_speedups").glob("*.pyx"))
        ],
        build_dir=None if trace else "build/cython",
        compiler_directives={"language_level": 3, "freethreading_compatible": True, "linetrace": trace},
    )


class BuildAllOrNone(build_ext):
    """Builds every extension or, where one fails and nobody requires them, none: a half-compiled package is nobody's aim."""

    def build_extensions(self) -> None:
        try:
            super().build_extensions()
        except (BaseError, CCompilerError, OSError) as error:
            if wanted("LLM_ASYNC_REQUIRE_EXTENSIONS"):
                raise
            for extension in self.extensions:
                Path(self.get_ext_fullpath(extension.name)).unlink(missing_ok=True)
            self.extensions = []
            reason = shorten(str(error), 120)
            print(f"llm-async: no extensions, plain Python will serve: {reason}", file=sys.stderr)  # noqa: T201


setup(
    ext_modules=[] if wanted("LLM_ASYNC_NO_EXTENSIONS") else extensions(),
    cmdclass={"build_ext": BuildAllOrNone},
)
