#!/usr/bin/env bash
# Everything that must pass: lint, format, types, then the tests on TensorFlow and on JAX, each in a process of its own.
# Sets up .venv first; SEQLAB_PYTHON names another environment to use instead. SEQLAB_WORKERS: test processes (default 2).
# Parity with TensorFlow Addons is tested where `bash scripts/oracle.sh` has made .venv-oracle.
# Arguments go to pytest: bash scripts/check.sh tests/tags
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -z "${SEQLAB_PYTHON:-}" ]; then
  bash scripts/setup.sh || exit 1
  SEQLAB_PYTHON=.venv/bin/python
fi
if [ -z "${SEQLAB_ORACLE_PYTHON:-}" ] && [ -f .venv-oracle/oracle-stamp ]; then
  export SEQLAB_ORACLE_PYTHON="$PWD/.venv-oracle/bin/python"
fi
reports="$(mktemp -d)"
trap 'rm -rf "$reports"' EXIT
export JAX_COMPILATION_CACHE_DIR="$reports/compiled" # what JAX compiled in one process, all others read
failed=()

step() {
  local name="$1"
  shift
  echo
  echo "== $name"
  "$@" || failed+=("$name")
}

# What was traced or compiled stays in memory until its process ends, and grows to gigabytes: the dearest rooms have
# processes of their own, unless tests were named.
dear=(tests/models tests/training tests/cli tests/tuning tests/inference)

tests() {
  local backend="$1"
  shift
  if [ "$#" -gt 0 ]; then
    run "$backend" named "$@"
    return
  fi
  local status=0
  run "$backend" dear "${dear[@]}" || status=1
  run "$backend" others "${dear[@]/#/--ignore=}" || status=1
  return "$status"
}

run() {
  local backend="$1" part="$2"
  shift 2
  # A file goes to one worker, which makes its fixtures and models once; files of many tests come first.
  KERAS_BACKEND="$backend" "$SEQLAB_PYTHON" -m pytest -q -ra -n "${SEQLAB_WORKERS:-2}" --dist loadfile \
    --junitxml="$reports/$backend/$part.xml" "$@"
}

step "lint" "$SEQLAB_PYTHON" -m ruff check .
step "format" "$SEQLAB_PYTHON" -m ruff format --check .
step "types" "$SEQLAB_PYTHON" -m mypy
step "tests on tensorflow" tests tensorflow "$@"
step "tests on jax" tests jax "$@"
step "same tests on both" "$SEQLAB_PYTHON" scripts/compare_backends.py "$reports/tensorflow" "$reports/jax"

echo
if [ "${#failed[@]}" -gt 0 ]; then
  printf 'FAILED: %s\n' "${failed[@]}"
  exit 1
fi
echo "All checks passed."
