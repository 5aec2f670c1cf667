#!/usr/bin/env bash
# Builds target/release/keirin, complete with the web page. The page comes first, because it is read when the crate is
# compiled that embeds it. Cargo builds one package at once: building some crates ahead, beside the page, would build
# much of them twice, since which features of a library are on depends on all that is built together.
set -euo pipefail
. "$(dirname "$0")/voice.sh"

scripts/tools.sh
scripts/postgres.sh
scripts/page.sh

# Cargo says nothing when nothing is to be done, and takes a third of a second for that.
if [ -x "$TARGET/release/keirin" ]; then title="Building what has changed"; else title="Building Keirin"; fi
from_nothing=$([ -d "$TARGET/release/deps" ] || echo yes)
started=$SECONDS
step "$title" build cargo build --locked --release --package keirin
# Minutes of building are part of what the program costs: `make bench` shows them beside the other figures.
if [ -n "$from_nothing" ]; then
  printf '{"name":"build from nothing","figure":%d,"unit":"s","goal":420,"met":%s}\n' \
    $((SECONDS - started)) "$([ $((SECONDS - started)) -le 420 ] && echo true || echo false)" >"$LOGS/build-from-nothing.json"
fi
