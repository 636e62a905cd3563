#!/usr/bin/env bash
# Makes .venv-oracle, where TensorFlow Addons lives for the parity tests: Python 3.11 and versions that go together.
# Does nothing when it is up to date. ORACLE_PYTHON=/some/python3.11 chooses the interpreter. Exit status 1, with the
# reason as the last line, where it cannot be made: the tests that need it are skipped then.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=("tensorflow-addons==0.23.0" "tf_keras==2.21.*" "tensorflow==2.21.*")

fits() {
  "$1" -c 'import sys; raise SystemExit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1
}

# The stamp says where, and with which packages, the last install was finished.
stamp=.venv-oracle/oracle-stamp
wanted="$(pwd) ${packages[*]}"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && fits .venv-oracle/bin/python; then
  exit 0
fi

for python in ${ORACLE_PYTHON:-} python3.11 python3 python; do
  fits "$python" && break
  python=""
done
if [ -z "${python:-}" ]; then
  echo "oracle: parity with TensorFlow Addons is skipped: no Python 3.11 found (ORACLE_PYTHON=/path/to/python3.11 names one)"
  exit 1
fi
echo "oracle: making .venv-oracle with $("$python" --version) (some minutes the first time)"
if ! { "$python" -m venv --clear .venv-oracle \
  && .venv-oracle/bin/python -m pip install --disable-pip-version-check --progress-bar off --quiet "${packages[@]}"; }; then
  echo "oracle: parity with TensorFlow Addons is skipped: its packages cannot be installed, see above"
  exit 1
fi
echo "$wanted" >"$stamp"
