# shellcheck shell=bash
# The one voice of all scripts (sourced, not run): what is being done, for how long, and, when it fails, why and
# where to look. A step's output goes to a log, because ten pages of compiler output hide the line that matters.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT" || exit 1
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
LOGS=$TARGET/logs
mkdir -p "$LOGS"
# As in a fresh clone: queries are checked against .sqlx, also where a developer's .env names a database.
export SQLX_OFFLINE=true

say() { printf '%s\n' "$@" >&2; }

fail() {
  say "$@"
  exit 1
}

# Seconds in words: "48 s", "3 min 12 s".
in_words() {
  if [ "$1" -lt 60 ]; then printf '%d s' "$1"; else printf '%d min %d s' $(($1 / 60)) $(($1 % 60)); fi
}

# step TITLE LOG COMMAND...: runs the command with its output in LOGS/LOG.log and says how long it took. The command
# stays in the foreground, so that Ctrl-C reaches it; what tells the time runs beside it.
step() {
  local title=$1 log=$LOGS/$2.log started=$SECONDS code=0 ticker
  shift 2
  show_progress "$title" "$log" &
  ticker=$!
  "$@" >"$log" 2>&1 || code=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  [ -t 2 ] && printf '\r\033[K' >&2
  if [ "$code" -eq 0 ]; then
    say "$title: done in $(in_words $((SECONDS - started)))"
  else
    say "$title: failed after $(in_words $((SECONDS - started))). The end of its log, ${log#"$ROOT"/}:"
    show_end_of_log "$log"
  fi
  return "$code"
}

show_end_of_log() { tail -n "${2:-40}" "$1" | sed 's/^/  | /' >&2; }

# Until it is killed, or the script is: one line that ticks on a terminal, elsewhere a line every half minute.
show_progress() {
  local title=$1 log=$2 started=$SECONDS every=1 tick=0 last
  if [ ! -t 2 ]; then
    say "$title..."
    every=30
  fi
  while kill -0 $$ 2>/dev/null; do
    # The sleep outlives this loop for a moment; it must not hold a pipe open that somebody reads to its end.
    sleep 1 >/dev/null 2>&1
    tick=$((tick + 1))
    [ $((tick % every)) -eq 0 ] || continue
    last=$(tail -n 1 "$log" 2>/dev/null | tr -d '\r' | tr -s ' \t' ' ' | cut -c 1-60) || true
    if [ -t 2 ]; then
      printf '\r\033[K%s: %s  %s' "$title" "$(in_words $((SECONDS - started)))" "$last" >&2
    else
      say "$title: still at it after $(in_words $((SECONDS - started))): $last"
    fi
  done
}

# True when this script may install Debian packages without asking: it is root, or sudo needs no password.
may_install_packages() {
  command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }
}

# The line that a person pastes to install Debian packages.
install_line() {
  if [ "$(id -u)" -eq 0 ]; then printf 'apt-get install -y %s' "$*"; else printf 'sudo apt-get install -y %s' "$*"; fi
}

# Installs Debian packages without a question; call it only where may_install_packages.
install_packages() {
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  "${as_root[@]}" apt-get update -q &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}
