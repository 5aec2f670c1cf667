#!/usr/bin/env bash
# A real exporter as a target that is scraped, killed and comes back; the test itself starts and stops it.
#   node-exporter.sh            run the tests that want it
#   node-exporter.sh --missing  print why that cannot be done here, or nothing
#   node-exporter.sh COMMAND... run the command instead, with the same environment
set -euo pipefail
. "$(dirname "$0")/../voice.sh"
. scripts/real-server.sh

answer_missing prometheus-node-exporter prometheus-node-exporter "$@"
KEIRIN_TEST_NODE_EXPORTER=$(command -v prometheus-node-exporter)
export KEIRIN_TEST_NODE_EXPORTER
echo "Taking $(prometheus-node-exporter --version 2>&1 | head -n 1)"

if [ $# -gt 0 ]; then
  "$@"
else
  cargo test --locked --package keirin-exchange --test it -- --ignored --nocapture node_exporter::
fi
