#!/usr/bin/env bash
# Builds target/release/keirin, complete with the web page. The page and the crates that do not embed it are built
# side by side; only then the rest, because rust-embed reads the page when its crate is compiled.
set -euo pipefail
. "$(dirname "$0")/voice.sh"

scripts/tools.sh
scripts/postgres.sh

if ! scripts/page.sh --current; then
  scripts/page.sh >"$LOGS/page-all.log" 2>&1 &
  page=$!
  step "Building the web page and the crates beside it" build-crates \
    cargo build --locked --release --workspace --lib --exclude keirin --exclude keirin-api --exclude keirin-testkit || {
    wait "$page" || true
    exit 1
  }
  wait "$page" || {
    cat "$LOGS/page-all.log" >&2
    exit 1
  }
fi

# Cargo says nothing when nothing is to be done, and takes a third of a second for that.
if [ -x "$TARGET/release/keirin" ]; then title="Building what has changed"; else title="Building Keirin"; fi
step "$title" build cargo build --locked --release --package keirin
