// Runs named checks one after the other and says what became of each. The last line is the sum.
const checks = [];
const skipped = [];

/** A check that passes unless it throws. */
export function check(name, run) {
  checks.push({ name, run });
}

/** A check that cannot run here, said aloud. */
export function skip(name, why) {
  skipped.push(`${name}: ${why}`);
}

/** Runs those whose names match `KEIRIN_TEST_ONLY`, or all; `after` hears of each that failed. */
export async function runChecks(after) {
  const failed = [];
  let passed = 0;
  const only = process.env.KEIRIN_TEST_ONLY ?? "";
  for (const { name, run } of checks.filter((one) => new RegExp(only, "u").test(one.name))) {
    const start = Date.now();
    try {
      await run();
      passed += 1;
      console.log(`passed: ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed.push(name);
      console.log(`failed: ${name}`);
      console.log(indented(error instanceof Error ? (error.stack ?? error.message) : String(error)));
      await after(name);
    }
  }
  for (const one of skipped) console.log(`skipped: ${one}`);
  console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
  return failed.length === 0;
}

function indented(text) {
  return text
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
}

const patienceMilliseconds = 30_000;
const askAgainMilliseconds = 100;

/** Asks again and again until it is so. A page's `waitForFunction` does not wait for what a function promises. */
export async function until(what, holds) {
  const end = Date.now() + patienceMilliseconds;
  // oxlint-disable-next-line no-await-in-loop -- one question after the other
  while (!(await holds())) {
    must(Date.now() < end, `it did not come within ${patienceMilliseconds / 1000} s that ${what}`);
    // oxlint-disable-next-line no-await-in-loop -- as above
    await new Promise((resolve) => {
      setTimeout(resolve, askAgainMilliseconds);
    });
  }
}

export function must(holds, message) {
  if (!holds) throw new Error(message);
}
