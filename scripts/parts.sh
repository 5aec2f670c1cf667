# shellcheck shell=bash
# Runs the parts of a test run and adds up what became of their tests (sourced by test.sh and test-platforms.sh).
# Every part runs, whatever became of the one before: one run shows all that is broken.

results=$LOGS/${0##*/}.results
: >"$results"

# part NAME TITLE COMMAND...: a part with tests; its output is counted.
part() {
  local name=$1 title=$2 code=0 log counted
  shift 2
  log=test-$name
  step "$title" "$log" "$@" || code=$?
  counted=$(node scripts/count-tests.mjs "$name" "$LOGS/$log.log" "$code")
  say "  $(head -n 1 <<<"$counted")"
  printf '%s\n' "$counted" >>"$results"
}

# A part that cannot run here: counted as one skipped test, and named with the reason.
skip_part() { printf '0 passed, 0 failed, 1 skipped\nskipped: %s\n' "$1" >>"$results"; }

# A part that failed before its tests could start.
fail_part() { printf '0 passed, 1 failed, 0 skipped\nfailed: %s\n' "$1" >>"$results"; }

# Ends the script: what failed, what was skipped and why, the sum in the last line. Fails when a test failed, or when
# none ran and $nothing_may_run is not set.
end_of_parts() {
  local passed failed skipped
  say "All parts took $(in_words "$SECONDS")."
  # With what they said, which stands indented below them.
  awk '/^[^ ]/ { failed = /^failed: / } failed' "$results"
  grep '^skipped: ' "$results" || true
  read -r passed failed skipped < <(
    awk '/^[0-9]+ passed, / { p += $1; f += $3; s += $5 } END { print p + 0, f + 0, s + 0 }' "$results"
  )
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ] && { [ "$passed" -gt 0 ] || [ -n "${nothing_may_run:-}" ]; }
  exit
}
