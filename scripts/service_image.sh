#!/usr/bin/env bash
# service_image.sh [TAG]: builds the image of the web application and the worker (docker/service/Dockerfile).
# BASE_IMAGE=<image> builds on another base, as where no image registry answers. The packages come through this
# machine's pip, so that the build itself needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/root.sh

tag=${1:-grader-service:latest}
base=${BASE_IMAGE:-python:3.12-slim-bookworm}
context=$(mktemp --directory)
trap 'rm -rf "$context"' EXIT

python=$(docker run --rm "$base" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])') ||
  stop "the base image $base cannot be run" "name another one: BASE_IMAGE=<image with Python 3.11 or newer>"
say "fetching the packages for Python $python"
pip=(.venv/bin/python -m pip --quiet --disable-pip-version-check)
"${pip[@]}" wheel --no-deps --wheel-dir "$context/wheels" .
"${pip[@]}" download --dest "$context/wheels" --only-binary :all: --python-version "$python" \
  --constraint constraints.txt pip "$(echo "$context"/wheels/grader-*.whl)[web,postgresql,objects]" </dev/null ||
  stop "the packages could not be fetched (see above)" "check the network and pip's settings, then run it again"
cp docker/service/Dockerfile "$context/"
say "building $tag on $base"
docker build --quiet --build-arg BASE_IMAGE="$base" --tag "$tag" "$context"
