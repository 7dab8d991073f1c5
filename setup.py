"""Compiles ``_speedups/*.pyx`` into ``llm_async/_speedups/``, and nothing else; all metadata is in pyproject.toml.

The extensions are optional: where no compiler works, the build goes on and the plain-Python twins serve. The environment
decides otherwise (``0`` and empty mean no):

``LLM_ASYNC_NO_EXTENSIONS=1``       build none, which gives a wheel for every platform
``LLM_ASYNC_REQUIRE_EXTENSIONS=1``  a failed compilation fails the build
``LLM_ASYNC_CYTHON_TRACE=1``        line tracing, for coverage of the .pyx files
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup


def wanted(name: str) -> bool:
    return os.environ.get(name, "") not in ("", "0")


def extensions() -> list[Extension]:
    from Cython.Build import cythonize

    trace = wanted("LLM_ASYNC_CYTHON_TRACE")
    # coverage hears settrace only, and Cython would use sys.monitoring from Python 3.13 on.
    macros = [("CYTHON_TRACE_NOGIL", "1"), ("CYTHON_USE_SYS_MONITORING", "0")] if trace else []
    modules = cythonize(
        [
            Extension(
                f"llm_async._speedups.{source.stem}",
                [source.as_posix()],
                define_macros=macros,
                extra_compile_args=[] if sys.platform == "win32" else ["-g0"],
            )
            for source in sorted(Path("_speedups").glob("*.pyx"))
        ],
        build_dir=None if trace else "build/cython",
        compiler_directives={"language_level": 3, "freethreading_compatible": True, "linetrace": trace},
    )
    for module in modules:
        # cythonize() copies the Extension objects and drops this flag, so it is set afterwards.
        module.optional = not wanted("LLM_ASYNC_REQUIRE_EXTENSIONS")
    return modules


setup(ext_modules=[] if wanted("LLM_ASYNC_NO_EXTENSIONS") else extensions())
