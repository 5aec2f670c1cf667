#!/usr/bin/env bash
# Measures the release build. Every bench program of the workspace prints a figure as one line of JSON:
#   {"name": ..., "figure": ..., "unit": ..., "goal": ..., "met": ...}
# This script runs them one after the other, writes all of them to target/bench.json and prints goal and figure side
# by side. A missed goal is no failure here: it is a figure to be explained in docs/performance.md.
#   BENCH=NAME  only the bench programs of the crate with this name
set -euo pipefail
. "$(dirname "$0")/voice.sh"

scripts/build.sh
export KEIRIN_BINARY=${KEIRIN_BINARY:-$TARGET/release/keirin}

if [ -n "${BENCH:-}" ]; then crates=(--package "$BENCH"); else crates=(--workspace); fi
step "Building the bench programs" bench-build cargo bench --locked "${crates[@]}" --bench '*' --no-run
# What else runs on the machine is in the figures, so at least nothing of ours should; but for a Prometheus, where there
# is one, that does nothing until it is asked what we are asked.
beside=()
[ -n "$(scripts/platforms/prometheus.sh --missing)" ] || beside=(scripts/platforms/prometheus.sh)
step "Measuring" bench "${beside[@]}" cargo bench --locked "${crates[@]}" --bench '*' || broken=yes
# How long it took to build this folder from nothing, where that was not cut short.
[ ! -f "$LOGS/build-from-nothing.json" ] || cat "$LOGS/build-from-nothing.json" >>"$LOGS/bench.log"
node scripts/bench-table.mjs "$LOGS/bench.log" "$TARGET/bench.json"
[ -z "${broken:-}" ] || fail "A bench program broke off; the figures above are not all of them."
