#!/usr/bin/env bash
# The tests that need other servers. Each file in scripts/platforms/ is one of them: it brings the real server up on
# loopback, runs the tests against it and takes it down again. `test-platforms.sh NAME...` runs only those.
# Ends as `make test` does: a line for each skipped test and why, then the sum.
set -euo pipefail
. "$(dirname "$0")/voice.sh"
. scripts/parts.sh

scripts/tools.sh

platforms=("$@")
if [ ${#platforms[@]} -eq 0 ]; then
  for file in scripts/platforms/*.sh; do platforms+=("$(basename "$file" .sh)"); done
fi

all_skipped=yes
for platform in "${platforms[@]}"; do
  script=scripts/platforms/$platform.sh
  [ -x "$script" ] || fail "There are no tests for \"$platform\"; there are: $(basename -s .sh -a scripts/platforms/*.sh)"
  # A platform says why it cannot run here; an empty answer means that it can.
  if why=$("$script" --missing) && [ -n "$why" ]; then
    skip_part "$platform: $why"
  else
    all_skipped=
    part "$platform" "Tests against $platform" "$script"
  fi
done

# Where no server can be had at all, nothing has failed: the lines above the sum say what is missing.
[ -z "$all_skipped" ] || nothing_may_run=yes
end_of_parts
