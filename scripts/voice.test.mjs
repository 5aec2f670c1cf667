// A step that hangs must not take all minutes of those that wait for the others: node --test scripts/
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("what hangs in a step is ended, and the step goes on", () => {
  const folder = mkdtempSync(join(tmpdir(), "voice-"));
  try {
    const voice = fileURLToPath(new URL("voice.sh", import.meta.url));
    const tests = "echo one; sleep 1000; echo two";
    const script = `. ${voice}; step "Tests" log bash -c '${tests}'`;
    const env = { ...process.env, CARGO_TARGET_DIR: folder, QUIET_LIMIT: "1" };
    const { stderr, status } = spawnSync("bash", ["-c", script], { encoding: "utf8", env, timeout: 60_000 });
    assert.match(stderr, /Tests: nothing new for 1 s, so what hangs is ended: one/);
    assert.equal(status, 0, stderr);
    assert.equal(readFileSync(join(folder, "logs/log.log"), "utf8").split("\n").at(-2), "two");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
