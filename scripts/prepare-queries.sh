#!/usr/bin/env bash
# Writes .sqlx: what PostgreSQL says about each SQL query of keirin-store, so that a build checks every query without
# a database. Run it after changing a query or a migration, and commit what it writes. It starts a PostgreSQL of its
# own in a temporary folder, with the migrations of this checkout, and stops it again.
set -euo pipefail
. "$(dirname "$0")/voice.sh"

scripts/tools.sh
scripts/postgres.sh --copy
programs=$TARGET/release/postgres/bin
home=$(mktemp -d)

# PostgreSQL refuses to run as root.
as_owner=()
if [ "$(id -u)" -eq 0 ]; then
  chown nobody "$home"
  as_owner=(setpriv --reuid nobody --regid nogroup --clear-groups)
fi
stop() {
  [ ! -f "$home/data/postmaster.pid" ] || "${as_owner[@]}" "$programs/pg_ctl" -D "$home/data" -m fast -w stop
  rm -rf "$home"
}
trap 'stop >/dev/null' EXIT

cd "$home"
"${as_owner[@]}" "$programs/initdb" -D "$home/data" -U keirin -A trust --locale=C --no-sync >"$home/log"

# The single-user mode runs SQL with no client program. It takes a semicolon and an empty line as the end of a command,
# so empty lines within a migration are left out. It says "ERROR" and goes on, so its words are looked at.
apply() {
  { grep -v '^[[:space:]]*$' "$1"; printf ';\n\n'; } |
    "${as_owner[@]}" "$programs/postgres" --single -j -D "$home/data" postgres >>"$home/log" 2>&1
  ! grep -E 'ERROR|FATAL' "$home/log" >&2 || fail "$1 cannot be applied."
}
# The table in which sqlx remembers the migrations; a backup reads it.
cat >"$home/migrator.sql" <<'END'
create table _sqlx_migrations (version bigint primary key, description text not null,
  installed_on timestamptz not null default now(), success boolean not null, checksum bytea not null,
  execution_time bigint not null)
END
for file in "$home/migrator.sql" "$ROOT"/crates/keirin-store/migrations/*.sql; do apply "$file"; done
"${as_owner[@]}" "$programs/pg_ctl" -D "$home/data" -w -l "$home/server.log" \
  -o "-c listen_addresses= -c unix_socket_directories=$home" start >>"$home/log"

cd "$ROOT"
mkdir -p "$home/queries"
touch crates/keirin-store/src/lib.rs
export SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$home/queries DATABASE_URL="postgres://keirin@localhost/postgres?host=$home"
step "Asking PostgreSQL about every query" prepare-queries cargo check --package keirin-store
rm -rf .sqlx
mv "$home/queries" .sqlx
say "$(find .sqlx -name '*.json' | wc -l) queries are described in .sqlx; commit them."
