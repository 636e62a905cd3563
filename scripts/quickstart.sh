#!/usr/bin/env bash
# On a machine with nothing but Python: sets up .venv, then trains on the embedded corpus, scores, saves and tags.
# Flags go to the recipe: bash scripts/quickstart.sh --training.epochs 5
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh
.venv/bin/python recipes/sample.py "$@"
