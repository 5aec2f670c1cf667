#!/usr/bin/env bash
# How many files and lines each crate and the web page have, and the longest file of each: size is a signal. What
# tools have written (`.gen.`) is left out.
set -euo pipefail
cd "$(dirname "$0")/.."

printf '%-22s %6s %8s  %s\n' "" files lines "longest file"
for folder in crates/*/ ui/; do
  [ -d "$folder" ] || continue
  git ls-files --cached --others --exclude-standard -- "$folder" |
    { grep -E '\.(rs|tsx?|css|sql)$' || true; } | { grep -vF .gen. || true; } |
    tr '\n' '\0' | xargs -0 -r wc -l |
    awk -v name="$(basename "$folder")" '
      $2 == "total" { next }
      { files++; lines += $1 }
      $1 > longest { longest = $1; path = $2 }
      END { printf "%-22s %6d %8d  %s (%d)\n", name, files, lines, path, longest }'
done
