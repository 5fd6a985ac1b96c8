#!/usr/bin/env bash
# Writes the sample course, grades it, and says where the marks and reports are.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly course=${1:?a folder for the sample course}
readonly grader=$PWD/.venv/bin/grader

"$grader" demo "$course" >/dev/null
echo "the sample course is in $course"
cd "$course"
for assignment in convolution pets; do
  printf '\n%s\n' "$assignment"
  # 1 says that somebody has to look: two of the sample files cannot be taken.
  "$grader" run "submissions/$assignment" || [[ $? -eq 1 ]]
  "$grader" report --assignment "$assignment" --out "reports/$assignment" >/dev/null
done
printf '\nA report for each student, to open in a browser: %s\n' "$PWD/reports"
printf 'The desk, where TAs judge what still waits: cd %q && %q serve\n' "$PWD" "$grader"
