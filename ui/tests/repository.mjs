// A small repository whose workflow does what the browser tests want to see.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const workflow = `keirin: 1
triggers:
  push: {}
  # Leap days at night: no test runs into it.
  cron: "0 3 29 2 *"
params:
  greeting: { type: choice, choices: [hello, welcome], default: hello, description: What is said first }
  forever: { type: boolean, default: false, description: Counts until somebody cancels }
  note: { type: string, default: none, description: Is written to the log }

stages:
  count:
    jobs:
      lines:
        env:
          GREETING: "\${{ params.greeting }}"
          FOREVER: "\${{ params.forever }}"
          NOTE: "\${{ params.note }}"
        steps:
          - run: |
              echo "$GREETING, the note is $NOTE"
              printf '\\033[1;31mred\\033[0m and \\033[32mgreen\\033[0m <b>no markup</b>\\n'
              number=0
              while [ $number -lt 60 ]; do number=$((number + 1)); echo "line $number"; done
          - run: |
              number=0
              while [ "$FOREVER" = true ]; do number=$((number + 1)); echo "turn $number"; sleep 0.1; done
              echo "counted to the end"
      results:
        steps:
          - run: |
              mkdir out
              echo "one file" >out/one.txt
              echo '<testsuite name="spokes"><testcase name="holds" time="0.1"/><testcase name="bends"><failure message="too soft"/></testcase></testsuite>' >out/report.xml
          - junit_collect: out/report.xml
          - artifacts: { upload: "out/*" }
  break:
    needs: [count]
    jobs:
      wheel:
        steps:
          - run: echo "the wheel is round"
          - run: |
              number=0
              while [ $number -lt 120 ]; do number=$((number + 1)); echo "spoke $number holds"; done
              echo "error: spoke 121 is broken"
              exit 3
  deploy:
    start: { manual: { role: developer } }
    jobs:
      ship: { steps: [ { run: echo shipped } ] }
`;

/** A branch name that would be markup if anybody took it for such. */
export const hostileBranch = "x<img/src=x/onerror=window.broken=1>";

export function makeRepository() {
  const folder = mkdtempSync(join(tmpdir(), "keirin-repository-"));
  const git = (...words) =>
    execFileSync("git", ["-C", folder, "-c", "user.name=tests", "-c", "user.email=tests@localhost", ...words], { stdio: "pipe" });
  git("init", "--quiet", "--initial-branch=main");
  writeFileSync(join(folder, ".keirin.yaml"), workflow);
  git("add", ".");
  git("commit", "--quiet", "--message", "Count, break and ship");
  git("branch", hostileBranch);
  /** Puts a text in the place of a file, and commits that. */
  const commit = (file, text) => {
    writeFileSync(join(folder, file), text);
    git("add", ".");
    git("commit", "--quiet", "--message", "Change a file");
  };
  return { folder, commit, workflow, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
