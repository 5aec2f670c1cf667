#!/usr/bin/env bash
# Links in the documents that lead nowhere, marks of an unfinished merge, and files too large for a repository.
# Needs nothing but bash, git and the usual text tools, so the demo runs it on any machine.
set -euo pipefail
cd "$(dirname "$0")/.."

largest=1048576
faults=0
fault() {
  echo "$1"
  faults=$((faults + 1))
}

documents=0
while IFS= read -r document; do
  documents=$((documents + 1))
  # [text](target) and [text](target#anchor); addresses elsewhere are not followed: the network must not decide.
  while IFS= read -r target; do
    case $target in
      '' | '#'* | *://* | mailto:*) continue ;;
    esac
    target=${target%%#*}
    [ -e "$(dirname "$document")/$target" ] || fault "$document: the link to $target leads nowhere"
  done < <(awk '/^ *```/ { code = !code } !code' "$document" | grep -oE '\]\([^) ]+\)' | sed 's/^](//; s/)$//')
done < <(git ls-files --cached --others --exclude-standard -- '*.md')

while read -r size file; do
  fault "$file: $size bytes; files over $largest bytes do not belong in the repository"
done < <(
  # A file that is listed but has just been removed is no fault.
  git ls-files -z --cached --others --exclude-standard | { xargs -0 -r stat -c '%s %n' 2>/dev/null || true; } |
    awk -v largest="$largest" '$1 > largest'
)

while IFS= read -r file; do
  fault "$file: holds the marks of an unfinished merge"
done < <(git grep -lE '^(<<<<<<<|>>>>>>>) ' -- . || true)

echo "$documents documents, $faults faults"
[ "$faults" -eq 0 ]
