#!/usr/bin/env bash
# Every dependency that a crate names is named in its code too, as cargo-machete asks. Needs nothing but bash and git.
# What is there for another reason says so in the line above it, which begins with "Named for".
set -euo pipefail
cd "$(dirname "$0")/.."

unused=()
count=0
for manifest in crates/*/Cargo.toml; do
  crate=$(dirname "$manifest")
  section=
  before=
  while IFS= read -r line; do
    case $line in
      "["*) section=$line && continue ;;
      "#"*) before=$line && continue ;;
    esac
    above=$before
    before=
    [[ $above != *"# Named for "* ]] || continue
    case $section in
      "[dependencies]" | "[dev-dependencies]" | "[build-dependencies]" | "[target."*) ;;
      *) continue ;;
    esac
    name=$(sed -n 's/^\([A-Za-z0-9_-]*\)\(\.workspace\)\? *=.*/\1/p' <<<"$line")
    [ -n "$name" ] || continue
    count=$((count + 1))
    places=("$crate")
    [ "$section" != "[dependencies]" ] || places=("$crate/src")
    [ ! -d "$crate/examples" ] || places+=("$crate/examples")
    grep -rqwE --include='*.rs' "${name//-/_}" "${places[@]}" || unused+=("$manifest: $name")
  done <"$manifest"
done
printf '%s\n' "${unused[@]+"${unused[@]}"}"
[ ${#unused[@]} -eq 0 ] || exit 1
echo "$count dependencies are used"
