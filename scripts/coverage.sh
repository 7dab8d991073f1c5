#!/usr/bin/env bash
# make coverage: which lines of the Python and of the Cython sources the suite reaches, in one report.
#
# The extensions are built with line tracing, which makes them slow, so all of it happens in a copy of the sources: what the
# checkout's own environment uses stays as it is. One run is enough: the suite compares both twins, and tests the choice between
# them in processes of their own, which count too. Arguments go to pytest. Exit code 2 when less is reached than
# [tool.coverage.report] in pyproject.toml demands; what is missing is listed.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
work=$PWD/build/coverage

rm -rf "$work"
mkdir -p "$work"
PYTHONPATH=scripts "$python" -c 'import sys, artifacts, pathlib; artifacts.copy_sources(pathlib.Path(sys.argv[1]))' "$work/source"
cd "$work/source"
"$python" -m venv "$work/venv"
run=$work/venv/bin/python
"$run" -m pip install --quiet --upgrade "pip>=25.1"
LLM_ASYNC_CYTHON_TRACE=1 LLM_ASYNC_REQUIRE_EXTENSIONS=1 PYTHONWARNINGS=ignore \
    "$run" -m pip install --quiet --editable ".[all]" --group cov

status=0
LLM_ASYNC_REQUIRE_EXTENSIONS=1 "$run" -m coverage run -m pytest -q -o timeout=600 "$@" || status=$?
"$run" -m coverage combine --quiet
"$run" -m coverage html --quiet --directory "$work/html" --fail-under=0
echo "lines in colour: $work/html/index.html"
"$run" -m coverage report || status=$?
exit "$status"
