#!/usr/bin/env bash
# Builds what has changed and becomes Keirin, filled from a repository:
#   REPO      the repository to show (default: this one)
#   LISTEN    address and port (default: 127.0.0.1:8460)
#   DATA_DIR  where Keirin keeps everything (default: .keirin-data)
set -euo pipefail
# A relative REPO or DATA_DIR is meant from where make was called.
repository=$(realpath -m "${REPO:-.}")
data=$(realpath -m "${DATA_DIR:-.keirin-data}")
. "$(dirname "$0")/voice.sh"

[ -d "$repository" ] ||
  fail "REPO=$REPO: there is no such folder. Name a git checkout, for example: make run REPO=../my-project"

scripts/build.sh
exec "$TARGET/release/keirin" serve --demo "$repository" --listen "${LISTEN:-127.0.0.1:8460}" --data-dir "$data"
