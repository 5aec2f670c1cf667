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

# A command that writes nothing for so many seconds hangs; nothing that works is so quiet for half as long.
QUIET_LIMIT=${QUIET_LIMIT:-600}

# Until it is killed, or the script is: one line that ticks on a terminal, elsewhere a line every half minute. What hangs
# is ended, so that the command fails, or goes on with what is next.
show_progress() {
  local title=$1 log=$2 started=$SECONDS every=1 tick=0 last bytes=0 written=0 quiet_since=$SECONDS signal=TERM
  if [ ! -t 2 ]; then
    say "$title..."
    every=30
  fi
  while kill -0 $$ 2>/dev/null; do
    # The sleep outlives this loop for a moment; it must not hold a pipe open that somebody reads to its end.
    sleep 1 >/dev/null 2>&1
    written=$(wc -c 2>/dev/null <"$log") || true
    if [ "$written" != "$bytes" ]; then
      bytes=$written quiet_since=$SECONDS
    elif [ $((SECONDS - quiet_since)) -ge "$QUIET_LIMIT" ]; then
      say "$title: nothing new for $(in_words "$QUIET_LIMIT"), so what hangs is ended: $(last_line "$log" 200)"
      end_below_children "$signal" || say "$title: there is nothing below its commands that could be ended"
      quiet_since=$SECONDS signal=KILL
    fi
    tick=$((tick + 1))
    [ $((tick % every)) -eq 0 ] || continue
    last=$(last_line "$log" 60)
    if [ -t 2 ]; then
      printf '\r\033[K%s: %s  %s' "$title" "$(in_words $((SECONDS - started)))" "$last" >&2
    else
      say "$title: still at it after $(in_words $((SECONDS - started))): $last"
    fi
  done
}

# last_line LOG WIDTH: the last line of a log, cut to so many characters.
last_line() { { tail -n 1 "$1" 2>/dev/null | tr -d '\r' | tr -s ' \t' ' ' | cut -c "1-$2"; } || true; }

# end_below_children SIGNAL: ends every process below the children of this script, but not the children: cargo goes on
# with the next tests when some were ended. Fails where there is none.
end_below_children() {
  local child ended=()
  for child in $(children_of $$); do
    [ "$child" -eq "$BASHPID" ] || add_below "$child"
  done
  [ ${#ended[@]} -gt 0 ] && { kill -s "$1" "${ended[@]}" 2>/dev/null || true; }
}

# Adds the processes below a process to those that are to be ended, those above before those below.
add_below() {
  local below
  for below in $(children_of "$1"); do
    ended+=("$below")
    add_below "$below"
  done
}

children_of() { cat /proc/"$1"/task/*/children 2>/dev/null || true; }

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
