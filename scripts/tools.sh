#!/usr/bin/env bash
# Are the tools there that a bare machine must bring? Everything that is missing is named at once, in one line to
# paste; nothing is installed here, because a build must not change the machine behind its user's back.
set -euo pipefail
. "$(dirname "$0")/voice.sh"

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

needed_rust=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
needed_node=20.19 # what Vite asks for

packages=()
command -v cc >/dev/null || packages+=(build-essential)
command -v make >/dev/null || packages+=(make)
command -v git >/dev/null || packages+=(git)

names=("${packages[@]}")
commands=()

node=$(node --version 2>/dev/null || echo v0)
if ! at_least "$needed_node" "${node#v}" || ! command -v npm >/dev/null; then
  names+=("Node.js $needed_node or later with npm")
  packages+=(npm)
  commands+=("$([ "$(id -u)" -eq 0 ] || echo 'sudo ')npx --yes n lts")
fi

rust=$(rustc --version 2>/dev/null | cut -d ' ' -f 2 || true)
if ! command -v cargo >/dev/null || ! at_least "$needed_rust" "${rust:-0}"; then
  names+=("Rust $needed_rust or later")
  if command -v rustup >/dev/null; then
    commands+=("rustup update stable")
  else
    command -v curl >/dev/null || packages+=(curl)
    commands+=("curl -sSf https://sh.rustup.rs | sh -s -- -y && . ~/.cargo/env")
  fi
fi

[ ${#names[@]} -eq 0 ] && exit 0

[ ${#packages[@]} -eq 0 ] || commands=("$(install_line "${packages[@]}")" "${commands[@]}")
line=${commands[0]}
for command in "${commands[@]:1}"; do line+=" && $command"; done
missing=${names[0]}
for name in "${names[@]:1}"; do missing+=", $name"; done
fail "This machine lacks: $missing. Paste this line, then type the same command again:" "  $line"
