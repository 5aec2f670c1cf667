#!/usr/bin/env bash
# The engine with agents, store and network replaced by doubles on one fake clock, in a world that goes wrong in every
# way it can. Each seed is one life of that world; a seed that breaks a promise is printed and replays exactly.
#   SEED=7        replay one seed and print what happens
#   SEEDS=100000  how many seeds to try (default: 10000), from FIRST_SEED on (default: 0)
set -euo pipefail
. "$(dirname "$0")/voice.sh"

scripts/tools.sh
simulate=(cargo test --locked --release --package keirin-engine --test it)
step "Building the simulation" sim-build "${simulate[@]}" --no-run
[ -n "${SEED:-}" ] || export SEEDS=${SEEDS:-10000}
exec "${simulate[@]}" simulation -- --nocapture
