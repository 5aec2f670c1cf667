#!/usr/bin/env bash
# Every test that needs only PostgreSQL and a browser. Plain `cargo test`: building another test runner would take
# longer than it saves here. The last line is the sum, and a line above it names each skipped test and why.
set -euo pipefail
. "$(dirname "$0")/voice.sh"
. scripts/parts.sh

scripts/tools.sh
# One way of testing the private cluster hides the system's PostgreSQL, so the copy must be there.
scripts/postgres.sh --copy || skip_part "private cluster without the system's PostgreSQL: the copy could not be fetched"
if scripts/page.sh; then page=built; else
  page=
  fail_part "the web page: it could not be built"
fi

part scripts "Tests of the scripts" node --test scripts/*.test.mjs

# --show-output: a test that cannot run here says so on its output, which cargo hides when the test passes.
part rust "Rust tests, compiling included" cargo test --locked --workspace --no-fail-fast -- --show-output

if [ "$(id -u)" -eq 0 ]; then
  part ordinary "Tests of isolation as an ordinary user" scripts/test-ordinary.sh
fi

if [ -n "$page" ]; then
  part page "Tests of the web page's parts" env NO_COLOR=1 npm run --prefix ui test
fi

export KEIRIN_BINARY=$TARGET/debug/keirin
if [ ! -x "$KEIRIN_BINARY" ]; then
  fail_part "examples and browser tests: $KEIRIN_BINARY was not built"
else
  part examples "Examples" scripts/test-examples.sh
  CHROMIUM=$(scripts/chromium.sh || true)
  if [ -z "$CHROMIUM" ]; then
    skip_part "browser tests: no Chromium is here and it may not be installed; paste: $(install_line chromium)"
  elif [ -n "$page" ]; then
    export CHROMIUM
    part browser "Browser tests" env NO_COLOR=1 npm run --prefix ui test:browser
  fi
fi

end_of_parts
