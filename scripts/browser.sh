#!/usr/bin/env bash
# Sees to it that a Chromium is there for the tests that open reports; installs Debian's where none is.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/root.sh

for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null && exit
done
install_packages chromium
