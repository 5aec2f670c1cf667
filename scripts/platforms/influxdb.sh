#!/usr/bin/env bash
# Samples as lines to a real InfluxDB, and read back from it.
#   influxdb.sh            run the tests that want it
#   influxdb.sh --missing  print why that cannot be done here, or nothing
#   influxdb.sh COMMAND... run the command instead, with the same environment
set -euo pipefail
. "$(dirname "$0")/../voice.sh"
. scripts/real-server.sh

answer_missing influxd influxdb "$@"
read -r port other_port < <(free_ports 2)
cat >"$home/influxdb.conf" <<END
reporting-disabled = true
bind-address = "127.0.0.1:$other_port"
[meta]
  dir = "$home/meta"
[data]
  dir = "$home/data"
  wal-dir = "$home/wal"
[http]
  bind-address = "127.0.0.1:$port"
  log-enabled = false
[ifql]
  enabled = false
[monitor]
  store-enabled = false
END
echo "Starting $(influxd version)"
export KEIRIN_TEST_INFLUXDB=http://127.0.0.1:$port
start_server "$KEIRIN_TEST_INFLUXDB/ping" influxd -config "$home/influxdb.conf"

if [ $# -gt 0 ]; then
  "$@"
else
  cargo test --locked --package keirin-exchange --test it -- --ignored --nocapture influxdb::
fi
