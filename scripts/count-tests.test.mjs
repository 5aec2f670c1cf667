// The counter decides whether a test run looks green, so it is tested itself: node --test scripts/
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const counter = fileURLToPath(new URL("count-tests.mjs", import.meta.url));

function count(output, exitCode = 0) {
  const folder = mkdtempSync(join(tmpdir(), "count-tests-"));
  try {
    const log = join(folder, "log");
    writeFileSync(log, output);
    return execFileSync("node", [counter, "part", log, String(exitCode)], { encoding: "utf8" }).trim().split("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("cargo's binaries are added up, and ignored tests are named with their reason", () => {
  const output = `
     Running unittests src/lib.rs (target/debug/deps/a-1)
test one ... ok
test slow ... ignored, needs a cluster
test inner ... ignored, run by the test above, on a tiny disk
test result: ok. 1 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s
     Running tests/it/main.rs (target/debug/deps/it-1)
test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
`;
  assert.deepEqual(count(output), ["5 passed, 0 failed, 1 skipped", "skipped: slow: needs a cluster"]);
});

test("a test that says it is skipped does not count as passed, however often it says so", () => {
  const output = `
successes:

---- as_root stdout ----
skipped: as_root: this is not root
skipped: as_root: this is not root

---- hidden stdout ----
skipped: hidden: no copy of PostgreSQL
test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
`;
  assert.deepEqual(count(output), [
    "3 passed, 0 failed, 2 skipped",
    "skipped: as_root: this is not root",
    "skipped: hidden: no copy of PostgreSQL",
  ]);
});

test("failed tests are named", () => {
  const output = `
test broken ... FAILED
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
`;
  assert.deepEqual(count(output, 101), ["1 passed, 1 failed, 0 skipped", "failed: broken"]);
});

test("what a failed test said stands below its name", () => {
  const output = `
test broken ... FAILED

---- broken stdout ----
a line of its own

thread 'broken' (7) panicked at src/a.rs:1:2:
assertion \`left == right\` failed
  left: 1
 right: 2
stack backtrace:
   0: somewhere
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
`;
  assert.deepEqual(count(output, 101), [
    "1 passed, 1 failed, 0 skipped",
    "failed: broken",
    "  thread 'broken' (7) panicked at src/a.rs:1:2:",
    "  assertion `left == right` failed",
    "    left: 1",
    "   right: 2",
  ]);
});

test("a test that was ended with its process has failed", () => {
  const output = `
test slow has been running for over 60 seconds
test hanging has been running for over 60 seconds
test slow ... ok
error: test failed, to rerun pass \`-p keirin-a --test it\`
     Running tests/it/main.rs (target/debug/deps/it-1)
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
`;
  assert.deepEqual(count(output, 101), ["2 passed, 1 failed, 0 skipped", "failed: hanging: it did not come to an end"]);
});

test("a part that breaks before its tests, or runs none, is a failure", () => {
  assert.equal(count("error: could not compile", 101)[0], "0 passed, 1 failed, 0 skipped");
  assert.equal(count("", 0)[0], "0 passed, 1 failed, 0 skipped");
  const passedThenBroke = "test result: ok. 3 passed; 0 failed; 0 ignored;";
  assert.equal(count(passedThenBroke, 1)[0], "3 passed, 1 failed, 0 skipped");
});

test("node's, vitest's and our own sums are understood", () => {
  assert.equal(count("ok 1 - a\n# pass 2\n# fail 0\n# skipped 1\n")[0], "2 passed, 0 failed, 1 skipped");
  assert.equal(count("ℹ pass 2\nℹ fail 1\n", 1)[0], "2 passed, 1 failed, 0 skipped");
  assert.equal(count("      Tests  1 failed | 12 passed | 2 skipped (15)\n", 1)[0], "12 passed, 1 failed, 2 skipped");
  const own = count("skipped: sign in: no browser\n7 passed, 0 failed, 1 skipped\n");
  assert.deepEqual(own, ["7 passed, 0 failed, 1 skipped", "skipped: sign in: no browser"]);
});

test("what a failed check of our own said is told with it", () => {
  const output = `
passed: one (0.1 s)
failed: two
    Error: the page is empty
        at look (walk.mjs:1:1)
passed: three (0.1 s)
    40 clicks
2 passed, 1 failed, 0 skipped
`;
  assert.deepEqual(count(output, 1), [
    "2 passed, 1 failed, 0 skipped",
    "failed: two",
    "      Error: the page is empty",
    "          at look (walk.mjs:1:1)",
  ]);
});
