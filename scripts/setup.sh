#!/usr/bin/env bash
# Makes the virtual environment .venv of this checkout and installs seqlab with its development tools and JAX into it.
# Does nothing when .venv is up to date. PYTHON=/some/python chooses the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fits() {
  "$1" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

pick_python() {
  if [ -n "${PYTHON:-}" ]; then
    fits "$PYTHON" && echo "$PYTHON" && return
    echo "setup: PYTHON=$PYTHON does not run, or is not Python 3.11, 3.12 or 3.13." >&2
    return 1
  fi
  for candidate in python3 python3.13 python3.12 python3.11 python; do
    fits "$candidate" && echo "$candidate" && return
  done
  echo "setup: no Python 3.11, 3.12 or 3.13 found; python3 is $(python3 --version 2>&1 || true)." >&2
  echo "setup: install one, or name one: PYTHON=/path/to/python3.12 bash scripts/setup.sh" >&2
  return 1
}

# The stamp says where, and for which pyproject.toml, the last install was finished.
stamp=.venv/setup-stamp
wanted="$(pwd)
$(cksum <pyproject.toml)"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && fits .venv/bin/python; then
  exit 0
fi

usable() {
  fits .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1 || return 1
  # An environment holds absolute paths: a moved checkout needs a new one.
  [ ! -f "$stamp" ] || [ "$(head -n 1 "$stamp")" = "$(pwd)" ]
}

if ! usable; then
  python="$(pick_python)"
  echo "setup: making .venv with $("$python" --version)"
  if ! "$python" -m venv --clear .venv; then
    echo "setup: '$python -m venv' failed. On Debian and Ubuntu: apt install python3-venv" >&2
    exit 1
  fi
fi

rm -f "$stamp"
echo "setup: installing seqlab and its development tools into .venv (some minutes the first time)"
.venv/bin/python -m pip install --disable-pip-version-check --progress-bar off --quiet --editable ".[dev,jax]"
echo "$wanted" >"$stamp"
echo "setup: done. Activate with: source .venv/bin/activate"
