#!/usr/bin/env bash
# Queries against a real Prometheus, which gets the same samples by remote write; what its promtool says of our texts, and
# what it asks of a running Keirin.
#   prometheus.sh            run the tests that want it
#   prometheus.sh --missing  print why that cannot be done here, or nothing
#   prometheus.sh COMMAND... run the command instead, with the same environment
set -euo pipefail
. "$(dirname "$0")/../voice.sh"
. scripts/real-server.sh

answer_missing prometheus prometheus "$@"
port=$(free_ports 1)
# It scrapes nothing, and takes and keeps samples of long ago.
cat >"$home/prometheus.yml" <<END
global:
  evaluation_interval: 1m
storage:
  tsdb:
    out_of_order_time_window: 1000d
END
echo "Starting $(prometheus --version 2>&1 | head -n 1)"
export KEIRIN_TEST_PROMETHEUS=http://127.0.0.1:$port
start_server "$KEIRIN_TEST_PROMETHEUS/-/ready" \
  prometheus --config.file="$home/prometheus.yml" --storage.tsdb.path="$home/data" --storage.tsdb.retention.time=100y \
  --web.listen-address="127.0.0.1:$port" --web.enable-remote-write-receiver

if [ $# -gt 0 ]; then
  "$@"
else
  cargo test --locked --package keirin-exchange --test it -- --ignored --nocapture prometheus::
  cargo test --locked --package keirin --test it -- --ignored --nocapture clients::promtool
fi
