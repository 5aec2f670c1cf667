#!/usr/bin/env bash
# Prints where Chromium is, for the browser tests. It is Debian's own package and the one thing that is installed on
# the machine, and only where that needs no question: as root, or by a sudo that asks no password.
set -euo pipefail
. "$(dirname "$0")/voice.sh"

find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

if ! find_chromium >/dev/null && may_install_packages; then
  step "Installing Debian's Chromium for the browser tests" chromium install_packages chromium fonts-dejavu-core || true
fi
find_chromium
