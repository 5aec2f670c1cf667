// Reads one part's test output and says what became of its tests:
//   node count-tests.mjs PART LOG EXIT-CODE
// First line: "N passed, N failed, N skipped"; then a line "failed: NAME" or "skipped: NAME: WHY" for each of those.
// What a failed test said, a Rust test when it panicked, stands indented below its name.
//
// It understands cargo's, node:test's and vitest's output, and our own last line. A test that cannot run here prints
// "skipped: NAME: WHY" and returns; its runner then calls it passed, so it is taken off the passed ones here. A test
// that is ignored because it is "run by" or "a part of" others as a process of its own, or only "measures", has not
// been left out. A test that was still running when its process was ended has failed. A part that fails without a
// failing test, or in which nothing ran, counts as one failed test: it must not look green.
import { readFileSync } from "node:fs";

const [part, log, exitCode] = process.argv.slice(2);
const lines = readFileSync(log, "utf8").replace(/\u001b\[[0-9;]*m/g, "").split(/\r?\n/);

const count = { passed: 0, failed: 0, skipped: 0 };
const failed = [];
const skipped = [];
// Of each test that failed: the first lines of what it said.
const reasons = new Map();
const REASON_LINES = 12;
// The passed tests that said "skipped:", so that a test which says it twice is taken off once.
const passedButSkipped = new Set();

const ownLine = /^(\d+) passed, (\d+) failed, (\d+) skipped$/;
const own = lines.findLast((line) => ownLine.test(line))?.match(ownLine);
// The tests that have been running for long; libtest says so once.
const running = new Set();
let test = "";
// The reason that is being read.
let reason;

for (const line of lines) {
  let found;
  if (/^(stack backtrace:$|note: |passed: |skipped: |failed: |\d+ passed, )/.test(line)) reason = undefined;
  else if (reason !== undefined && reason.length < REASON_LINES) reason.push(line);
  if ((found = line.match(/^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored/))) {
    add(found[1], found[2], found[3]);
  } else if ((found = line.match(/^test (\S.*?) \.\.\. ignored(?:, (.*))?$/))) {
    if (/^(run by|a part of|measures)\b/.test(found[2] ?? "")) add(0, 0, -1);
    else skipped.push(`${found[1]}: ${found[2] ?? "ignored, and no reason is given"}`);
  } else if ((found = line.match(/^test (\S.*?) has been running for over \d+ seconds$/))) {
    running.add(found[1]);
  } else if ((found = line.match(/^test (\S.*?) \.\.\. (ok|FAILED)$/))) {
    running.delete(found[1]);
    if (found[2] === "FAILED") failed.push(found[1]);
  } else if ((found = line.match(/^---- (.*) stdout ----$/))) {
    test = found[1];
    reason = undefined;
  } else if ((found = line.match(/^thread '.*' (?:\(\d+\) )?panicked at /)) && test && !reasons.has(test)) {
    reason = [line];
    reasons.set(test, reason);
  } else if (/^(successes|failures):$/.test(line) || line.startsWith("     Running ")) {
    test = "";
  } else if ((found = line.match(/^skipped: (.+)$/))) {
    if (!skipped.includes(found[1])) skipped.push(found[1]);
    if (!own) passedButSkipped.add(test || found[1]);
  } else if ((found = line.match(/^failed: (.+)$/))) {
    failed.push(found[1]);
    reason = [];
    reasons.set(found[1], reason);
  } else if ((found = line.match(/^(?:#|ℹ) (pass|fail|skipped) (\d+)$/))) {
    add(...["pass", "fail", "skipped"].map((word) => (word === found[1] ? found[2] : 0)));
  } else if ((found = line.match(/^\s*(not )?ok \d+ - (.*?)(?: # SKIP ?(.*))?$/))) {
    if (found[1]) failed.push(found[2]);
    else if (line.includes("# SKIP")) skipped.push(`${found[2]}: ${found[3] || "no reason is given"}`);
  } else if ((found = line.match(/^\s+Tests\s+(.*)\(\d+\)$/))) {
    const of = (word) => found[1].match(new RegExp(`(\\d+) ${word}`))?.[1] ?? 0;
    add(of("passed"), of("failed"), of("skipped"));
  }
}

function add(passed, failedOnes, skippedOnes) {
  if (own) return;
  count.passed += Number(passed);
  count.failed += Number(failedOnes);
  count.skipped += Number(skippedOnes);
}

if (own) {
  [count.passed, count.failed, count.skipped] = own.slice(1).map(Number);
} else {
  count.passed -= passedButSkipped.size;
  count.skipped += passedButSkipped.size;
}
if (!own) {
  for (const name of running) failed.push(`${name}: it did not come to an end`);
  count.failed += running.size;
}
if (count.failed === 0 && exitCode !== "0") {
  count.failed = 1;
  failed.push(`${part}: it ended with exit code ${exitCode} and no failed test; read ${log}`);
} else if (count.passed + count.failed + count.skipped === 0) {
  count.failed = 1;
  failed.push(`${part}: no test ran; read ${log}`);
}

console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
for (const name of failed) {
  console.log(`failed: ${name}`);
  for (const line of reasons.get(name) ?? []) console.log(`  ${line.slice(0, 400)}`);
}
for (const name of skipped) console.log(`skipped: ${name}`);
