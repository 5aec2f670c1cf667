#!/usr/bin/env bash
# Runs every workflow in examples/ by `keirin exec`, each in a fresh git repository of its own, and compares the exit
# code with the outcome that the example's head states ("# Outcome: success").
set -euo pipefail
. "$(dirname "$0")/voice.sh"

keirin=${KEIRIN_BINARY:-$TARGET/debug/keirin}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# The exit codes of the command line, one for each outcome.
exit_code_of() {
  case $1 in
    success) echo 0 ;;
    failed) echo 1 ;;
    cancelled) echo 3 ;;
    timed_out) echo 4 ;;
    *) fail "$2: \"# Outcome: $1\" is none of success, failed, cancelled, timed_out" ;;
  esac
}

for example in examples/*.yaml; do
  name=$(basename "$example" .yaml)
  outcome=$(sed -n 's/^# Outcome: //p' "$example")
  expected=$(exit_code_of "$outcome" "$example")
  repository=$work/$name
  git init -q "$repository"
  cp "$example" "$repository/.keirin.yaml"
  git -C "$repository" add .keirin.yaml
  git -C "$repository" -c user.name=Example -c user.email=example@localhost commit -q -m "Add the workflow"

  echo "== $example (expected: $outcome)"
  code=0
  (cd "$repository" && "$keirin" exec .keirin.yaml) || code=$?
  if [ "$code" -eq "$expected" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "failed: $example: exit code $code instead of $expected ($outcome)"
  fi
done

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
