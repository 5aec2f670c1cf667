# shellcheck shell=bash
# A real server of somebody else for tests (sourced by scripts/platforms/). Where its program is one of a Debian package that
# would start a server that nobody asked for, the package is unpacked beside the build and not installed. It runs on
# loopback in a folder of its own, and is stopped by process id whatever happens.

# has_program PROGRAM PACKAGE: whether the program can be started; fetches its package where that is needed. Says nothing.
has_program() {
  local folder=$ROOT/.cache/packages/$2
  PATH=$PATH:$folder/usr/bin
  ! command -v "$1" >/dev/null || return 0
  mkdir -p "$folder"
  {
    (cd "$folder" && apt-get download "$2") || {
      # The lists of packages may be missing or old; who may renew them does.
      ! may_install_packages || install_packages
      (cd "$folder" && apt-get download "$2")
    }
  } >"$folder/log" 2>&1 || return 1
  dpkg-deb -x "$folder"/*.deb "$folder" >>"$folder/log" 2>&1 && rm "$folder"/*.deb
  command -v "$1" >/dev/null
}

# answer_missing PROGRAM PACKAGE ARGUMENT...: where the first argument is --missing, says why the program is not to be had,
# or nothing, and ends.
answer_missing() {
  if [ "${3:-}" = --missing ]; then
    has_program "$1" "$2" || echo "$1 is not here, nor is the Debian package $2 to be had; install it"
    exit 0
  fi
  has_program "$1" "$2" || fail "$1 is not here; install it: $(install_line "$2")"
}

# Prints ports that nobody listens on right now.
free_ports() {
  node -e '
    const listen = () => require("node:net").createServer().listen(0, "127.0.0.1");
    const servers = Array.from({ length: Number(process.argv[1]) }, listen);
    Promise.all(servers.map((server) => require("node:events").once(server, "listening"))).then(() => {
      console.log(servers.map((server) => server.address().port).join(" "));
      for (const server of servers) server.close();
    });' "$1"
}

home=$(mktemp -d)
servers=()
stop_servers() {
  local code=$?
  for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${servers[@]}"; do
    # A server that does not leave within ten seconds is made to.
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
  done
  if [ "$code" -ne 0 ]; then tail -n 10 "$home"/*.log 2>/dev/null || true; fi
  rm -rf "$home"
}
trap stop_servers EXIT

# start NAME COMMAND...: a server in the background, its output in NAME.log.
start() {
  local name=$1
  shift
  "$@" >"$home/$name.log" 2>&1 &
  servers+=($!)
}

# start_server URL COMMAND...: starts it, and comes back when it answers there.
start_server() {
  local url=$1
  shift
  start server "$@"
  node -e '
    const until = Date.now() + 30_000;
    const ask = () =>
      fetch(process.argv[1])
        .then((answer) => answer.ok)
        .catch(() => false)
        .then((ready) => {
          if (ready) return;
          if (Date.now() > until) throw new Error(`${process.argv[1]} was not ready within 30 s`);
          setTimeout(ask, 100);
        });
    ask();' "$url"
  echo "It is ready after $SECONDS s"
}
