#!/usr/bin/env bash
# Makes a Python with what benchmarks compare the grader with; its path is the only output. PyTorch is taken from
# .venv, so that all contenders run with the same.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly place=.cache/peers
readonly wanted=tests/benchmarks/requirements-peers.txt

if ! cmp --silent "$wanted" "$place/.complete"; then
  rm -rf "$place"
  "${PYTHON:-python3}" -m venv "$place" >&2
  "$place/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted" >&2
  packages=$("$place/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  ours=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  # Behind its own packages, which win.
  echo "$ours" > "$packages/torch-of-the-grader.pth"
  cp "$wanted" "$place/.complete"
fi
echo "$PWD/$place/bin/python"
