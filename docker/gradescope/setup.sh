#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the autograder: a sandbox, Python and the grader.
# What has to lie beside it, and what is not known to work there: docs/exports.md.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
home=/opt/grader

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends bubblewrap util-linux python3 python3-venv
rm -rf /var/lib/apt/lists/*

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "setup.sh: Python 3.11 or newer is needed, found $(python3 --version)" >&2
  echo "  to do: choose a newer base image in the autograder's settings" >&2
  exit 2
fi

wheels=("$here"/grader-*.whl)
if [[ ! -e ${wheels[0]} || ${#wheels[@]} -ne 1 ]]; then
  echo "setup.sh: exactly one grader-*.whl must lie beside it" >&2
  echo "  to do: write it with \`python -m build --wheel\` and put it into the zip" >&2
  exit 2
fi

python3 -m venv "$home"
# PIP_* variables choose other wheels of torch, such as those without CUDA.
"$home/bin/pip" install --no-cache-dir --constraint "$here/constraints.txt" "${wheels[0]}[sandbox]"
"$home/bin/grader" --version
