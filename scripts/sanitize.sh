#!/usr/bin/env bash
# Builds the extensions with AddressSanitizer and UndefinedBehaviorSanitizer, in a copy of the tree, and runs over them the tests
# of the twins and of spoiled streams. Any finding ends it. Needs gcc and its libasan; PYTHON has the test dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."
python="$(cd "$(dirname "${PYTHON:-.venv/bin/python}")" && pwd)/$(basename "${PYTHON:-.venv/bin/python}")"
copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT

cp -r _speedups llm_async tests benchmarks setup.py pyproject.toml README.md LICENSE MANIFEST.in "$copy"
cd "$copy"
rm -f llm_async/_speedups/*.so
flags="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g -O1"
CFLAGS="$flags" LDFLAGS="-fsanitize=address,undefined" CC=gcc "$python" setup.py --quiet build_ext --inplace

# CPython keeps memory until the process ends, which is no leak of ours; its own allocator would hide overruns.
export LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1
export PYTHONMALLOC=malloc LLM_ASYNC_REQUIRE_EXTENSIONS=1
export PYTHONPATH="$copy"
"$python" -c "from llm_async import _speedups; print('llm_async:', _speedups.REASON)"
# The tests of leaks measure the allocator that is switched off here. A finding is written to stderr, which must not be caught.
"$python" -m pytest -q -s -p no:cacheprovider -o timeout=600 -k "not memory and not leak and not grow" "$@" \
    tests/test_sse.py tests/test_deltas.py tests/test_tool_calls.py tests/test_framing.py tests/test_fragments.py tests/test_partial_json.py \
    tests/fuzz
