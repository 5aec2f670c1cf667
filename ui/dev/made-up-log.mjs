// Lines of made-up logs, made when they are asked for: a million of them cost nothing.
import { now } from "./made-up-data.mjs";

const escape = "\u001b";
const crates = ["keirin-model", "keirin-wire", "keirin-engine", "keirin-store", "keirin-logs", "keirin-api", "serde", "tokio", "axum", "sqlx"];

function stepOf(job, line) {
  let step = null;
  for (const mark of job.log.steps) if (line >= mark.first_line) step = mark.index;
  return step;
}

function textOf(job, line, step) {
  if (step === null) return ["Attempt 1 on agent local", "Workspace is ready in 3 ms", "Executor bare, system Debian 12"][line - 1] ?? "";
  if (step === 0) return line % 3 ? `remote: Counting objects: ${line * 4} % (${line}/25)` : `HEAD is now at 3f9a1c2d Say why a job waits in one sentence`;
  if (step === 1) {
    const crate = crates[line % crates.length];
    if (line % 17 === 0) return `${escape}[1m${escape}[33mwarning${escape}[0m${escape}[1m: unused variable: \`answer\`${escape}[0m`;
    if (line % 17 === 1) return `  ${escape}[1m${escape}[34m-->${escape}[0m crates/${crate}/src/lib.rs:${line % 300}:9`;
    return `   ${escape}[1m${escape}[32mCompiling${escape}[0m ${crate} v0.1.0 (crates/${crate})`;
  }
  if (step === 3) return "Read target/nextest/junit.xml: 1,211 results";
  const failing = job.outcome === "failed" && line > job.log.lines * 0.8;
  if (failing && line % 40 === 0) return `${escape}[1m${escape}[31mtest engine::lease::is_kept_across_a_restart ... FAILED${escape}[0m`;
  if (failing && line % 40 === 1) return `thread 'engine::lease' panicked at crates/keirin-engine/src/lease.rs:88:9: assertion \`left == right\` failed`;
  if (failing && line % 40 === 2) return "  left: Waiting   right: Running";
  if (line % 50 === 7) return `${escape}[38;5;208m   slow${escape}[0m a test took longer than 60 s: store::${"very_long_name_".repeat(10)}`;
  if (line % 50 === 8) return `${escape}[38;2;120;90;255mtrue colour${escape}[0m and ${escape}[7minverse${escape}[0m and ${escape}[44mbackground${escape}[0m and <b>no markup</b> for größer Text 字`;
  return `test ${crates[line % crates.length]}::case_${line} ... ${escape}[32mok${escape}[0m`;
}

export function lineOf(job, line) {
  const step = stepOf(job, line);
  const started = Date.parse(job.started_at ?? new Date(now).toISOString());
  return {
    line,
    time: new Date(started + line * 7).toISOString(),
    step,
    stream: step === null ? "agent" : line % 29 === 0 ? "error" : "output",
    cut: line === 1007,
    text: textOf(job, line, step),
  };
}

export function linesOf(job, first, count) {
  const last = Math.min(job.log.lines, first + count - 1);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => lineOf(job, first + index));
}
