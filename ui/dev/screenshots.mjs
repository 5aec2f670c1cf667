// DEVELOPMENT ONLY: takes a picture of each page, light and dark, wide and narrow, into a folder, and says what the
// browser complained about. node dev/screenshots.mjs FOLDER [URL] [part of a name]
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openBrowser } from "../tests/chromium.mjs";

const [folder = "screenshots", address = "http://127.0.0.1:8461/", only = ""] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });

const get = async (path) => (await fetch(new URL(`api/v1/${path}`, address))).json();
const flows = (await get("projects/keirin/flows")).items;
const running = await get(`flows/${flows.find((flow) => flow.state === "running").id}`);
const failed = await get(`flows/${flows.find((flow) => flow.outcome === "failed").id}`);
const green = await get(`flows/${flows.find((flow) => flow.outcome === "success").id}`);
const jobOf = (flow, test) => flow.runs.flatMap((run) => run.jobs).find(test).id;

const pages = {
  overview: "",
  projects: "projects",
  "new-project": "projects/new",
  project: "projects/keirin",
  "project-settings": "projects/velodrome/settings",
  branch: "projects/keirin/branches/main",
  start: "projects/keirin/start?branch=main",
  workflow: "projects/keirin/branches/main/workflow",
  "flow-running": `flows/${running.id}`,
  "flow-failed": `flows/${failed.id}`,
  "flow-green": `flows/${green.id}`,
  waterfall: `flows/${running.id}?tab=waterfall`,
  tests: `flows/${failed.id}?tab=tests`,
  artifacts: `flows/${green.id}?tab=artifacts`,
  about: `flows/${failed.id}?tab=about`,
  run: `runs/${failed.runs[1].id}`,
  "log-failed": `jobs/${jobOf(failed, (job) => job.outcome === "failed")}`,
  "log-running": `jobs/${jobOf(running, (job) => job.state === "running")}`,
  "log-lines": `jobs/${jobOf(failed, (job) => job.outcome === "failed")}#L1300-L1306`,
  "job-waiting": `jobs/${jobOf(running, (job) => job.state === "waiting")}`,
  queue: "queue",
  agents: "agents",
  logs: `logs?in=flow&id=${failed.id}&regex=FAILED`,
  "logs-empty": "logs",
  tokens: "settings/tokens",
  users: "settings/users",
  password: "settings/password",
  storage: "settings/storage",
  "sign-in": "sign-in?link=used",
  "not-found": "no/such/page",
  missing: "flows/999999",
};

const browser = await openBrowser();
for (const scheme of ["light", "dark"]) {
  for (const width of [1280, 390]) {
    const context = await browser.newContext({ viewport: { width, height: width === 1280 ? 800 : 844 }, colorScheme: scheme, reducedMotion: "reduce" });
    const page = await context.newPage();
    let name = "";
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && console.log(`${name} ${scheme} ${width}: ${message.text().slice(0, 300)}`));
    page.on("pageerror", (error) => console.log(`${name} ${scheme} ${width}: ${error.stack.slice(0, 600)}`));
    for (const [title, path] of Object.entries(pages)) {
      if (!title.includes(only)) continue;
      name = title;
      await page.goto(new URL(path, address).href, { waitUntil: "load" });
      await page.waitForTimeout(title.startsWith("flow") ? 1200 : 700);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) console.log(`${name} ${scheme} ${width}: the page is ${wide} px wider than the window`);
      await page.screenshot({ path: join(folder, `${title}-${scheme}-${width}.png`) });
    }
    await context.close();
  }
}
await browser.close();
