#!/usr/bin/env bash
# Queries against a real Prometheus, which gets the same samples by remote write, in a folder of its own, on loopback and
# stopped by process id whatever happens; and what its promtool says of our texts. Where Prometheus is not installed, the
# package's two programs are unpacked beside the build: installing it would start a server that nobody asked for.
#   prometheus.sh            run the tests that want it
#   prometheus.sh --missing  print why that cannot be done here, or nothing
#   prometheus.sh COMMAND... run the command instead, with the same environment
set -euo pipefail
. "$(dirname "$0")/../voice.sh"

unpacked=$ROOT/.cache/prometheus

is_missing() { ! command -v prometheus >/dev/null || ! command -v promtool >/dev/null; }
may_unpack() { command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; }

[ ! -d "$unpacked/usr/bin" ] || PATH=$PATH:$unpacked/usr/bin
if [ "${1:-}" = --missing ]; then
  if is_missing && ! may_unpack; then
    echo "Prometheus is not here, nor is a Debian package of it; install prometheus and promtool"
  fi
  exit
fi

if is_missing; then
  echo "Fetching Prometheus"
  mkdir -p "$unpacked"
  # The lists of packages may be missing or old; who may renew them does.
  (cd "$unpacked" && apt-get download prometheus) || {
    ! may_install_packages || install_packages
    (cd "$unpacked" && apt-get download prometheus)
  }
  dpkg-deb -x "$unpacked"/prometheus_*.deb "$unpacked"
  rm "$unpacked"/prometheus_*.deb
  PATH=$PATH:$unpacked/usr/bin
fi

home=$(mktemp -d)
server=
stop_server() {
  local code=$?
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    # A server that does not leave within ten seconds is made to.
    for _ in $(seq 100); do
      kill -0 "$server" 2>/dev/null || break
      sleep 0.1
    done
    kill -9 "$server" 2>/dev/null || true
  fi
  if [ "$code" -ne 0 ]; then tail -n 10 "$home"/*.log || true; fi
  rm -rf "$home"
}
trap stop_server EXIT

# A port nobody listens on right now.
port=$(node -e '
  const server = require("node:net").createServer().listen(0, "127.0.0.1", () => {
    console.log(server.address().port);
    server.close();
  });')

# It scrapes nothing, and takes and keeps samples of long ago.
cat >"$home/prometheus.yml" <<END
global:
  evaluation_interval: 1m
storage:
  tsdb:
    out_of_order_time_window: 1000d
END
echo "Starting $(prometheus --version 2>&1 | head -n 1)"
prometheus --config.file="$home/prometheus.yml" --storage.tsdb.path="$home/data" --storage.tsdb.retention.time=100y \
  --web.listen-address="127.0.0.1:$port" --web.enable-remote-write-receiver >"$home/prometheus.log" 2>&1 &
server=$!

export KEIRIN_TEST_PROMETHEUS=http://127.0.0.1:$port
node -e '
  const until = Date.now() + 30_000;
  const ask = () =>
    fetch(process.argv[1])
      .then((answer) => answer.ok)
      .catch(() => false)
      .then((ready) => {
        if (ready) return;
        if (Date.now() > until) throw new Error("Prometheus was not ready within 30 s");
        setTimeout(ask, 100);
      });
  ask();' "$KEIRIN_TEST_PROMETHEUS/-/ready"
echo "Prometheus is ready after $SECONDS s"

if [ $# -gt 0 ]; then
  "$@"
else
  cargo test --locked --package keirin-metrics --test it -- --ignored --nocapture prometheus::
  cargo test --locked --package keirin --test it -- --ignored --nocapture clients::promtool
fi
