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

while IFS= read -r file; do
  [ -f "$file" ] || continue
  size=$(wc -c <"$file")
  [ "$size" -le "$largest" ] || fault "$file: $size bytes; files over $largest bytes do not belong in the repository"
done < <(git ls-files --cached --others --exclude-standard)

while IFS= read -r file; do
  fault "$file: holds the marks of an unfinished merge"
done < <(git grep -lE '^(<<<<<<<|>>>>>>>) ' -- . || true)

echo "$documents documents, $faults faults"
[ "$faults" -eq 0 ]
