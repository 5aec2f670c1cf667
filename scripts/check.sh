#!/usr/bin/env bash
# What a reviewer should not have to say: formatting, lints (warnings are errors), types, licences, scripts, links.
# Every check runs, whatever became of the one before, and the summary names those that failed.
set -euo pipefail
. "$(dirname "$0")/voice.sh"

deny_version=0.20.2
failed=()

check() {
  local title=$1
  shift
  step "$title" "$@" || failed+=("$title")
}

# A debug build without optional features: compiled in a minute, and quick enough for a few hundred crates.
install_cargo_deny() {
  [ "$(.cache/bin/cargo-deny --version 2>/dev/null)" = "cargo-deny $deny_version" ] && return
  step "Compiling cargo-deny, once" cargo-deny-install \
    cargo install cargo-deny --locked --version "$deny_version" --debug --no-default-features \
    --root .cache --target-dir .cache/cargo-deny-build || return
  rm -rf .cache/cargo-deny-build
}

scripts/tools.sh
{ cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1 ||
  fail "rustfmt or clippy is missing. Paste this line, then type the same command again:" \
    "  rustup component add rustfmt clippy"

check "Formatting of the Rust code" check-fmt cargo fmt --all --check
check "Scripts" check-scripts scripts/check-scripts.sh
check "Documents" check-documents scripts/check-documents.sh
check "Dependencies" check-dependencies scripts/check-dependencies.sh
check "Clippy" check-clippy cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
if install_cargo_deny; then
  check "Licences, bans and sources" check-deny \
    .cache/bin/cargo-deny --all-features check --hide-inclusion-graph licenses bans sources
else
  failed+=("Licences, bans and sources")
fi
if scripts/page.sh --install; then
  check "Lint of the web page" check-page-lint npm run --prefix ui lint
  check "Types of the web page" check-page-types npm run --prefix ui types
else
  failed+=("Lint and types of the web page")
fi

say "All checks took $(in_words "$SECONDS")."
[ ${#failed[@]} -eq 0 ] || fail "Failed: $(printf '%s; ' "${failed[@]}" | sed 's/; $//')."
say "All checks passed."
