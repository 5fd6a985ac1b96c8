#!/usr/bin/env bash
# Writes the sample course, grades it, and says where the marks and reports are.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly course=${1:?a folder for the sample course}
readonly grader=$PWD/.venv/bin/grader

"$grader" demo "$course"
cd "$course"
"$grader" run submissions
for assignment in convolution cats-dogs; do
  "$grader" report --assignment "$assignment" --out "reports/$assignment"
done
