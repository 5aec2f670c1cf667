#!/usr/bin/env bash
# Runs the agent's tests of isolation, secrets and limits as an ordinary user, for a run of the tests as root: what keeps jobs
# apart differs for the two. Everything that the tests need is copied to a folder that the user owns, because the
# checkout may be closed to it, and that no private /tmp or /var/tmp hides.
set -euo pipefail
. "$(dirname "$0")/voice.sh"

user=nobody
cargo build --locked --quiet -p keirin-agent --example sandbox
tests=$(cargo test --locked -p keirin-agent --test it --no-run --quiet --message-format=json |
  sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
folder=$(mktemp -d /var/lib/keirin-test-XXXXXX)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/deps" "$folder/examples"
cp "$tests" "$folder/deps/it"
cp "$TARGET/debug/examples/sandbox" "$folder/examples/"
chown -R "$user" "$folder"
chmod 755 "$folder"
cd "$folder"
HOME=$folder TMPDIR=$folder setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups \
  "$folder/deps/it" --show-output fork_server:: isolation:: limits:: secrets::
