#!/usr/bin/env bash
# Samples by remote write to a real VictoriaMetrics, which is then asked as a source of series.
#   victoria-metrics.sh            run the tests that want it
#   victoria-metrics.sh --missing  print why that cannot be done here, or nothing
#   victoria-metrics.sh COMMAND... run the command instead, with the same environment
set -euo pipefail
. "$(dirname "$0")/../voice.sh"
. scripts/real-server.sh

answer_missing victoria-metrics victoria-metrics "$@"
port=$(free_ports 1)
echo "Starting VictoriaMetrics"
export KEIRIN_TEST_VICTORIA_METRICS=http://127.0.0.1:$port
# It keeps samples of long ago, and shows new ones at once.
start_server "$KEIRIN_TEST_VICTORIA_METRICS/health" \
  victoria-metrics -httpListenAddr="127.0.0.1:$port" -storageDataPath="$home/data" -retentionPeriod=100y \
  -search.latencyOffset=0s -search.disableCache

if [ $# -gt 0 ]; then
  "$@"
else
  cargo test --locked --package keirin-exchange --test it -- --ignored --nocapture victoria_metrics::
fi
