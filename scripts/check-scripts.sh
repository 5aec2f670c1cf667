#!/usr/bin/env bash
# Every script parses, and shellcheck finds nothing in it where shellcheck is there. Needs nothing but bash and git.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts=()
while IFS= read -r file; do
  case $file in
    *.sh | .ci/run) scripts+=("$file") ;;
  esac
done < <(git ls-files --cached --others --exclude-standard)

for script in "${scripts[@]}"; do bash -n "$script"; done
echo "${#scripts[@]} scripts parse"

if command -v shellcheck >/dev/null; then
  shellcheck --external-sources --source-path=SCRIPTDIR "${scripts[@]}"
else
  echo "skipped: shellcheck: it is not installed (Debian's package: shellcheck)"
fi
