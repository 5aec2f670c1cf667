#!/usr/bin/env bash
# Feeds random input to what reads other people's bytes: workflow files, log chunks, test reports, queries, metrics.
# These are the property tests of `make test`, optimised and for longer; a failure prints the smallest input that shows
# it, and proptest keeps its seed beside the test so that it is run first ever after.
#   SECONDS_EACH  how long for each crate (default: 60)
set -euo pipefail
. "$(dirname "$0")/voice.sh"

seconds_each=${SECONDS_EACH:-60}
crates=(keirin-workflow keirin-wire keirin-results keirin-promql keirin-formats keirin-series keirin-exchange)
# Which of a crate's tests; all of them where nothing is said. Those that want a database are no property tests.
declare -A which=([keirin-series]=--lib [keirin-exchange]=--lib)

scripts/tools.sh
for crate in "${crates[@]}"; do
  read -ra tests <<<"${which[$crate]:-}"
  step "Building the property tests of $crate" "fuzz-$crate-build" \
    cargo test --locked --release --no-run --package "$crate" "${tests[@]}"
  rounds=0
  end=$((SECONDS + seconds_each))
  while [ "$SECONDS" -lt "$end" ]; do
    rounds=$((rounds + 1))
    step "$crate, round $rounds" "fuzz-$crate" \
      env PROPTEST_CASES=20000 cargo test --locked --release --package "$crate" "${tests[@]}"
  done
done
say "Nothing was found."
