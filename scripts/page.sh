#!/usr/bin/env bash
# Builds the web page into ui/dist, which the binary embeds. Both npm steps are skipped when what they read has not
# changed, judged by content, so that a second `make run` starts at once and `touch` or `git checkout` cost nothing.
#   page.sh            install and build
#   page.sh --install  only install what the page is built from
set -euo pipefail
. "$(dirname "$0")/voice.sh"

[ -f ui/package.json ] || fail "ui/package.json is missing, so there is no web page to build. Is this a whole checkout?"

digest() { sha256sum | cut -d ' ' -f 1; }

digest_of_packages() { cat ui/package.json ui/package-lock.json | digest; }

digest_of_sources() {
  { find ui -name node_modules -prune -o -path ui/dist -prune -o -path ui/tests -prune -o -type f -print0
    printf '%s\0' ui/package-lock.json; } | sort -zu | xargs -0 sha256sum | digest
}

is_installed() { [ "$(cat ui/node_modules/.installed-from 2>/dev/null)" = "$(digest_of_packages)" ]; }
is_built() { [ -f ui/dist/index.html ] && [ "$(cat .cache/page-built-from 2>/dev/null)" = "$(digest_of_sources)" ]; }

if ! is_installed; then
  step "Fetching what the web page is built from" page-install npm ci --prefix ui --no-audit --no-fund ||
    fail "The web page's packages could not be fetched. Is the network there?"
  digest_of_packages >ui/node_modules/.installed-from
fi
[ "${1:-}" != --install ] || exit 0

if ! is_built; then
  step "Building the web page" page npm run --prefix ui build
  mkdir -p .cache
  digest_of_sources >.cache/page-built-from
fi
