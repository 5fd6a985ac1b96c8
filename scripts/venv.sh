#!/usr/bin/env bash
# venv.sh host|dev: makes .venv with every package pinned by constraints.txt, for grading alone or for tests too.
# Running it again brings it up to date.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/root.sh

case ${1:-} in
  host) what='.[web]' stamps=(.venv/.host) note="some seconds to a minute" ;;
  dev) what='.[dev]' stamps=(.venv/.host .venv/.complete) note="torch is large: some minutes on a first run" ;;
  *) stop "venv.sh: which packages?" "scripts/venv.sh host, or scripts/venv.sh dev" ;;
esac

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  stop "no Python 3.11 or newer was found" "install one, or name it: make test PYTHON=/path/to/python3.11"
}

python=$(find_python)
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  say "making .venv with $("$python" --version)"
  # Debian keeps the venv module's pip in a package of its own.
  "$python" -c 'import ensurepip' 2>/dev/null || install_packages python3-venv
  "$python" -m venv --clear .venv
fi

index=()
if [[ -n ${TORCH_INDEX:-} ]]; then
  index=(--extra-index-url "$TORCH_INDEX")
fi
say "installing the packages of constraints.txt ($note)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --progress-bar off \
  "${index[@]}" --constraint constraints.txt --editable "$what" </dev/null ||
  stop "the packages could not be installed (see above)" "check the network and pip's settings, then run make again"
touch "${stamps[@]}"
