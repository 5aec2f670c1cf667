// What a person does with the page, in a real browser against a real server, told as one story: every check goes on
// from where the one before left the page. See server.mjs for which server, repository.mjs for what runs on it.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { checkAddresses } from "./addresses.mjs";
import { checkEveryPage } from "./every-page.mjs";
import { check, must, runChecks, skip, until } from "./check.mjs";
import { chromiumPath, openBrowser } from "./chromium.mjs";
import { checkClickThrough } from "./click-through.mjs";
import { checkFirstScreen } from "./first-screen.mjs";
import { checkMeasure } from "./measure.mjs";
import { hostileBranch, makeRepository } from "./repository.mjs";
import { checkPushes } from "./pushes.mjs";
import { checkRows } from "./rows.mjs";
import { findServer } from "./server.mjs";

const project = `wheel-${process.pid}`;

if (chromiumPath === undefined) {
  skip("browser tests", "Chromium is not installed; with Debian's package `chromium` they run");
  process.exit((await runChecks()) ? 0 : 1);
}
const server = await findServer();
if (server === undefined) {
  skip("browser tests", "there is no server: set KEIRIN_BINARY, or KEIRIN_TEST_URL and KEIRIN_TEST_LINK");
  process.exit((await runChecks()) ? 0 : 1);
}

const repository = makeRepository();
const browser = await openBrowser();
const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
context.setDefaultTimeout(30_000);
await context.grantPermissions(["clipboard-read", "clipboard-write"]);
const page = await context.newPage();
const complaints = [];
page.on("pageerror", (error) => complaints.push(error.message));
page.on("console", (message) => {
  // A refused request is an answer; what else the browser calls an error is a fault of the page.
  if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
});

const at = (path) => new URL(path, server.url).href;
const go = (path) => page.goto(at(path));
const api = async (path) => (await context.request.get(at(`api/v1/${path}`))).json();
const heading = (name) => page.getByRole("heading", { level: 1, name });
const log = page.getByRole("region", { name: "Log" });
const flowId = () => /\/flows\/(\d+)/.exec(page.url())?.[1];

/** Waits for the state beside the title. */
const titleState = (state) => page.locator(`main header [data-state="${state}"]`).first().waitFor();

async function startFlow({ forever, greeting = "hello" }) {
  await go(`projects/${project}/start?branch=main`);
  await page.getByLabel("greeting").selectOption(greeting);
  await page.getByLabel("forever").setChecked(forever);
  await page.getByRole("button", { name: "Start flow" }).click();
  await page.waitForURL(/\/flows\/\d+/);
  return flowId();
}

/** Waits until the flow has ended with so many attempts at a job: that it runs meanwhile may be over before it is seen. */
const ranAgain = (flow, name, attempts) =>
  until(`${name} has run again`, async () => {
    const tried = (await jobOf(flow, name)).attempts.length === attempts;
    return tried && (await api(`flows/${flow}`)).state === "finished";
  });

const jobOf = async (flow, name) => {
  const jobs = (await api(`flows/${flow}`)).runs.flatMap((run) => run.jobs);
  return jobs.find((job) => job.name === name);
};

check("who is not signed in is asked to sign in, and sees no project", async () => {
  const stranger = await browser.newContext();
  const other = await stranger.newPage();
  await other.goto(at("projects"));
  await other.getByRole("main").getByRole("link", { name: "Sign in" }).waitFor();
  await stranger.close();
});

check("the sign-in link signs in", async () => {
  await page.goto(server.link);
  await page.getByRole("button", { name: /^Sign in as / }).click();
  await heading("Overview").waitFor();
});

check("the sign-in link works once", async () => {
  const stranger = await browser.newContext();
  const other = await stranger.newPage();
  await other.goto(server.link);
  await other.getByText("That link has been used already").waitFor();
  await stranger.close();
});

check("a repository is added by the form", async () => {
  await go("projects/new");
  await page.getByLabel("Repository").fill(repository.folder);
  await page.getByLabel("Name", { exact: false }).first().fill(project);
  await page.getByRole("button", { name: "Create project" }).click();
  await heading(project).waitFor();
});

check("a name that is taken is refused with what to do", async () => {
  await go("projects/new");
  await page.getByLabel("Repository").fill(repository.folder);
  await page.getByLabel("Name", { exact: false }).first().fill(project);
  await page.getByRole("button", { name: "Create project" }).click();
  await page.getByRole("alert").waitFor();
  must(page.url().endsWith("/projects/new"), "the page went on although the project was refused");
});

let running;
check("a flow is started with a form made from its parameters", async () => {
  await go(`projects/${project}/start?branch=main`);
  await page.getByText("Counts until somebody cancels").waitFor();
  must((await page.getByLabel("greeting").inputValue()) === "hello", "the default is not filled in");
  running = await startFlow({ forever: true, greeting: "welcome" });
  await titleState("running");
});

check("lines arrive while the job runs, without loading anything anew", async () => {
  const job = await jobOf(running, "lines");
  await go(`jobs/${job.id}`);
  await log.getByText(/^turn \d+$/).first().waitFor();
  const last = async () => Math.max(...(await log.getByText(/^turn \d+$/).allTextContents()).map((text) => Number(text.slice(5))));
  const before = await last();
  await page.waitForFunction(
    (number) => [...document.querySelectorAll("[data-line]")].some((row) => Number(/turn (\d+)$/.exec(row.textContent)?.[1]) > number + 10),
    before,
  );
  await titleState("running");
});

check("scrolling up pauses the log, and a pill brings one back to its end", async () => {
  await page.waitForFunction(() => {
    const box = document.querySelector("[role=region][aria-label=Log]");
    return box.scrollTop > 300;
  });
  await log.hover();
  await page.mouse.wheel(0, -200);
  const pill = page.getByRole("button", { name: /^Follow/ });
  await pill.waitFor();
  await page.getByRole("button", { name: /^Follow: [\d,]+ new line/ }).click();
  await pill.waitFor({ state: "detached" });
});

check("the overview shows the flow that runs, with a line of its log", async () => {
  await go("");
  await page.getByRole("link", { name: /lines.*turn \d+/ }).first().waitFor();
});

check("cancelling asks first, on the page of the job, the stage run and the flow", async () => {
  const flow = await api(`flows/${running}`);
  const run = flow.runs.find((one) => one.stage === "count");
  const job = run.jobs.find((one) => one.name === "lines");
  for (const [path, name] of [[`jobs/${job.id}`, "Cancel job"], [`runs/${run.id}`, "Cancel stage run"], [`flows/${running}`, "Cancel flow"]]) {
    await go(path);
    await page.getByRole("button", { name, exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name, exact: true }).waitFor();
    await page.getByRole("button", { name: "Leave as it is" }).press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
  must((await api(`flows/${running}`)).state === "running", "the flow was cancelled although nobody said yes");
});

check("a flow is cancelled", async () => {
  await page.getByRole("button", { name: "Cancel flow" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel flow" }).click();
  await titleState("cancelled");
  await page.getByRole("button", { name: "Rerun" }).waitFor();
});

let broken;
check("a flow that fails shows by itself how it ended", async () => {
  broken = await startFlow({ forever: false });
  await titleState("failed");
});

check("a failed job's log is open where it failed, and closed where it did not", async () => {
  const job = await jobOf(broken, "wheel");
  await go(`jobs/${job.id}`);
  await log.getByText("error: spoke 121 is broken").waitFor();
  must((await log.getByText("the wheel is round", { exact: true }).count()) === 0, "a step that succeeded is open");
  await log.getByText("exit code 3", { exact: true }).waitFor();
});

check("e goes to the first error and links it, y copies the link", async () => {
  await page.keyboard.press("e");
  await page.waitForURL(/#L\d+$/);
  await page.locator("[data-line][data-selected=true]").getByText("error: spoke 121 is broken").waitFor();
  await page.keyboard.press("y");
  await page.getByText("The link is copied.").waitFor();
  must((await page.evaluate(() => navigator.clipboard.readText())) === page.url(), "the copied link is another one");
});

check("a log is searched with a count, n and N", async () => {
  await page.keyboard.press("/");
  await page.keyboard.type("spoke 11");
  const count = page.getByRole("toolbar", { name: "Log" }).getByRole("status");
  // spoke 11, spoke 110 to spoke 119
  await count.getByText("11", { exact: true }).waitFor();
  await page.keyboard.press("Enter");
  await count.getByText("1 of 11").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("n");
  await count.getByText("2 of 11").waitFor();
  await page.keyboard.press("N");
  await count.getByText("1 of 11").waitFor();
  await page.locator("[data-found=true] mark").getByText("spoke 11", { exact: true }).waitFor();
});

check("a link to lines opens at them and shows them chosen", async () => {
  const job = await jobOf(broken, "wheel");
  const lines = (await api(`jobs/${job.id}/log?limit=200`)).lines;
  const first = lines.find((line) => line.text === "spoke 40 holds").line;
  await go("");
  await go(`jobs/${job.id}#L${first}-L${first + 2}`);
  for (const number of [40, 41, 42]) {
    const row = page.locator("[data-selected=true]").getByText(`spoke ${number} holds`, { exact: true });
    await row.waitFor();
    must(await row.isVisible(), `line ${number} is not in sight`);
  }
  must((await page.locator("[data-selected=true]").count()) === 3, "other lines are chosen too");
});

check("a click on a line number links it, with Shift a range", async () => {
  await page.getByRole("link", { name: /^Line \d+$/ }).first().click();
  await page.waitForURL(/#L\d+$/);
  const first = Number(/#L(\d+)$/.exec(page.url())[1]);
  await page.getByRole("link", { name: `Line ${first + 2}`, exact: true }).click({ modifiers: ["Shift"] });
  await page.waitForURL(new RegExp(`#L${first}-L${first + 2}$`));
});

check("colours are shown, and what looks like markup is text", async () => {
  const job = await jobOf(broken, "lines");
  await go(`jobs/${job.id}`);
  await page.getByRole("button", { name: /GREETING|echo/ }).first().click();
  const red = log.getByText("red", { exact: true });
  await red.waitFor();
  must(Number(await red.evaluate((element) => getComputedStyle(element).fontWeight)) >= 600, "bold is not bold");
  await log.getByText("<b>no markup</b>").waitFor();
});

check("what failed runs again, as another attempt of the same job", async () => {
  await go(`flows/${broken}`);
  await page.getByRole("button", { name: "Rerun" }).click();
  await page.getByRole("menuitem", { name: "Rerun jobs that did not succeed" }).click();
  await ranAgain(broken, "wheel", 2);
  await titleState("failed");
  must((await jobOf(broken, "lines")).attempts.length === 1, "a job that succeeded ran again");
});

check("the whole flow runs again", async () => {
  await page.getByRole("button", { name: "Rerun" }).click();
  await page.getByRole("menuitem", { name: "Rerun all jobs" }).click();
  await ranAgain(broken, "lines", 2);
  await titleState("failed");
});

check("a stage that waits for a person is started", async () => {
  await go(`flows/${broken}`);
  await page.getByRole("button", { name: "Start stage" }).click();
  await until("the stage has succeeded", async () => {
    const flow = await api(`flows/${broken}`);
    return flow.runs.find((run) => run.stage === "deploy").outcome === "success";
  });
  await page.getByRole("button", { name: "Start stage" }).waitFor({ state: "detached" });
});

check("logs are searched over a flow, and a match leads to its line", async () => {
  await go("logs");
  await page.getByLabel("Flow's id").fill(broken);
  await page.getByLabel("Regular expression").fill("spoke 1[0-9]+ is broken");
  await page.getByRole("button", { name: "Search logs" }).click();
  await page.getByRole("link", { name: /error: spoke 121 is broken/ }).first().click();
  await page.waitForURL(/\/jobs\/\d+\?attempt=\d+#L\d+$/);
  await page.locator("[data-selected=true]").getByText("error: spoke 121 is broken").waitFor();
});

check("an expression that cannot be read says why", async () => {
  await go("logs");
  await page.getByLabel("Flow's id").fill(broken);
  await page.getByLabel("Regular expression").fill("spoke (");
  await page.getByRole("button", { name: "Search logs" }).click();
  await page.getByRole("alert").waitFor();
});

check("a fault in a workflow shows at its line", async () => {
  await go(`projects/${project}/branches/main/workflow`);
  const editor = page.getByLabel(".keirin.yaml");
  const text = await editor.inputValue();
  await editor.fill(text.replace("needs: [count]", "need: [count]"));
  await page.getByRole("button", { name: /^Error, line \d+/ }).first().waitFor();
  await page.locator("[data-fault=error]").getByText("need").first().waitFor();
});

check("a branch whose name is markup is a name", async () => {
  await go(`projects/${project}/start?branch=${encodeURIComponent(hostileBranch)}`);
  await page.getByRole("button", { name: "Start flow" }).click();
  await page.waitForURL(/\/flows\/\d+/);
  const flow = flowId();
  await titleState("failed");
  for (const path of ["", `projects/${project}`, `projects/${project}/branches/${encodeURIComponent(hostileBranch)}`, `flows/${flow}`]) {
    await go(path);
    await page.getByText(hostileBranch, { exact: false }).first().waitFor();
    must((await page.evaluate(() => window.broken)) === undefined, `a branch's name ran as a program on /${path}`);
  }
});

check("everything is reached by the keyboard alone", async () => {
  await go("");
  await heading("Overview").waitFor();
  await page.keyboard.press("Tab");
  must((await page.evaluate(() => document.activeElement?.textContent)) === "Skip to the content", "the first stop is not the way past the rail");
  await page.keyboard.press("g");
  await page.keyboard.press("p");
  await heading("Projects").waitFor();
  await page.getByRole("link", { name: project, exact: true }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type(project);
  await page.waitForURL(/filter=/);
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await heading(project).waitFor();
  for (const [key, title] of [["q", "Queue"], ["a", "Agents"], ["l", "Logs"], ["o", "Overview"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await heading(title).waitFor();
  }
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog", { name: "Keys" }).waitFor({ state: "detached" });
});

check("a flow is started by the keyboard alone", async () => {
  await go(`projects/${project}/start?branch=main`);
  await page.getByLabel("greeting").focus();
  await page.keyboard.press("ArrowDown");
  await page.getByRole("button", { name: "Start flow" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/flows\/\d+/);
  must((await api(`flows/${flowId()}`)).params.greeting === "welcome", "the chosen value did not arrive");
});

check("the agent of this server is there", async () => {
  await go("agents");
  await page.getByText(/^Online, Keirin/).first().waitFor();
});

checkRows({ page, go, api, heading, project });
checkAddresses({ page, go, api, heading, project, log });
checkMeasure({ page, go, api, heading, project });
checkFirstScreen({ browser, context, at });
checkClickThrough({ browser, context, at, project });
checkPushes({ page, go, api, heading, project, repository });
checkEveryPage({ browser, context, at, api, project });

check("nothing on the way was an error of the page itself", async () => {
  must(complaints.length === 0, complaints.join("\n"));
});

check("who signs out is out", async () => {
  await go("");
  await page.getByRole("button", { name: /^You: / }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL(/\/sign-in/);
  await go("projects");
  await page.getByRole("main").getByRole("link", { name: "Sign in" }).waitFor();
});

const pictures = process.env.KEIRIN_TEST_PICTURES;
const good = await runChecks(async (name) => {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name.replaceAll(/\W+/g, "-")}.png`) });
});
await browser.close();
await server.stop();
repository.remove();
process.exit(good ? 0 : 1);
