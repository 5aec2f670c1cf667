#!/usr/bin/env bash
# A client library for Prometheus, as people use it from Python, against a running Keirin. It is fetched from PyPI into a
# folder beside the build.
#   prometheus-api-client.sh            run the tests that want it
#   prometheus-api-client.sh --missing  print why that cannot be done here, or nothing
#   prometheus-api-client.sh COMMAND... run the command instead, with the same environment
set -euo pipefail
. "$(dirname "$0")/../voice.sh"

version=0.7.2
folder=$ROOT/.cache/prometheus-api-client-$version

has_client() {
  [ ! -x "$folder/bin/python" ] || ! "$folder/bin/python" -c 'import prometheus_api_client' 2>/dev/null || return 0
  command -v python3 >/dev/null || return 1
  rm -rf "$folder"
  mkdir -p "$(dirname "$folder")"
  { python3 -m venv "$folder" && "$folder/bin/pip" install --quiet "prometheus-api-client==$version"; } \
    >"$folder.log" 2>&1 || { rm -rf "$folder"; return 1; }
}

if [ "${1:-}" = --missing ]; then
  has_client || echo "prometheus-api-client cannot be fetched; it takes python3 with venv, and a way to PyPI"
  exit
fi
has_client || fail "prometheus-api-client cannot be fetched; $folder.log says why"
export KEIRIN_TEST_PYTHON=$folder/bin/python

if [ $# -gt 0 ]; then
  "$@"
else
  cargo test --locked --package keirin --test it -- --ignored --nocapture clients::a_python_library
fi
