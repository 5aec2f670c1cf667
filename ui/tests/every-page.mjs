// What holds for every page: accessible in light and dark, no wider than its window, still while it loads.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { check, must } from "./check.mjs";
import { measurePages } from "./measure.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** A tenth of what counts as good. */
const mostShift = 0.01;

export function checkEveryPage({ browser, context, at, api, project }) {
  let addresses;

  async function pages() {
    if (addresses) return addresses;
    const flows = (await api(`projects/${project}/flows`)).items;
    const failed = await Promise.all(flows.filter((one) => one.outcome === "failed").map((one) => api(`flows/${one.id}`)));
    const failedJob = (one) => one.runs.flatMap((run) => run.jobs).find((job) => job.outcome === "failed");
    const flow = failed.find(failedJob);
    const job = failedJob(flow);
    const broken = failed.find((one) => one.runs.length === 0);
    must(broken, "no flow is here whose workflow file was broken");
    const of = `projects/${project}`;
    addresses = [
      "", "projects", "projects/new", of, `${of}/settings`, `${of}/branches/main`, `${of}/branches/main/workflow`, `${of}/start`,
      `flows/${flow.id}`, `flows/${flow.id}?tab=waterfall`, `flows/${flow.id}?tab=tests`, `flows/${flow.id}?tab=artifacts`,
      `flows/${flow.id}?tab=about`, `flows/${broken.id}`, `runs/${flow.runs[0].id}`, `jobs/${job.id}`, `jobs/${job.id}#L3-L5`, "queue", "agents", "logs",
      `logs?in=flow&id=${flow.id}&regex=spoke`, "settings/tokens", "settings/users", "settings/password",
      "settings/background-jobs", "settings/background-jobs?state=dead", "settings/storage", "settings/audit-log", "settings/audit-log?outcome=failed", "sign-in", "no/such/page",
      "flows/999999999", ...measurePages,
    ];
    return addresses;
  }

  for (const scheme of ["light", "dark"]) {
    check(`axe finds nothing on any page, ${scheme}`, () => visit(scheme, 1280, accessible));
  }
  for (const width of [390, 768]) check(`every page fits into a window of ${width} px`, () => visit("light", width, fits));
  check("axe finds nothing on any page of 390 px", () => visit("light", 390, accessible));
  check("axe finds nothing in menus and dialogs", () => openThings("light"));
  check("axe finds nothing in menus and dialogs, dark", () => openThings("dark"));
  check("no page moves while it loads", () => visit("light", 1280, still));

  async function visit(scheme, width, look) {
    const state = await context.storageState();
    const own = await browser.newContext({
      storageState: state,
      viewport: { width, height: 800 },
      colorScheme: scheme,
      reducedMotion: "reduce",
      bypassCSP: true,
    });
    const page = await own.newPage();
    await page.addInitScript(watchShifts);
    /** Where each fault was found: one of the frame is on every page. */
    const faults = new Map();
    for (const path of await pages()) {
      await page.goto(at(path));
      await settled(page);
      for (const fault of await look(page)) faults.set(fault, [...(faults.get(fault) ?? []), `/${path}`]);
    }
    await own.close();
    must(faults.size === 0, [...faults].map(([fault, where]) => `${fault}\n  on ${where.join(", ")}`).join("\n"));
  }

  /** What covers a page is looked at while it is open. */
  async function openThings(scheme) {
    const own = await browser.newContext({ storageState: await context.storageState(), colorScheme: scheme, reducedMotion: "reduce" });
    const page = await own.newPage();
    const faults = [];
    const flow = (await pages()).find((path) => path.startsWith("flows/"));
    for (const [path, name] of [
      [flow, /^Others beside main/],
      [flow, "Rerun"],
      [flow, /^You: /],
      [flow, "Show the keys"],
      [`projects/${project}/settings`, "Delete project"],
      ["settings/tokens", "Create token"],
      ["settings/users", "Add user"],
      ["settings/users", /^Change user/],
      ["agents", /^More for /],
      ["settings/background-jobs?kind=forget_agents", "Cancel job"],
    ]) {
      await page.goto(at(path));
      await settled(page);
      await page.getByRole("button", { name }).first().click();
      await page.locator("[role=dialog], [role=menu]").first().waitFor();
      await settled(page);
      // How pages are parted into landmarks says nothing about what lies over them.
      for (const fault of await accessible(page, rules.filter((rule) => rule !== "best-practice"))) faults.push(`${name}: ${fault}`);
    }
    await own.close();
    must(faults.length === 0, faults.join("\n"));
  }

  async function accessible(page, tags = rules) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), tags);
    return violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 110)} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
  }

  async function fits(page) {
    const extra = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    const squeezed = await page.evaluate(() =>
      [...document.querySelectorAll("main h1, main td:first-child")]
        .filter((one) => one.checkVisibility() && (one.scrollWidth > one.clientWidth || (one.tagName === "TD" && one.clientWidth < 72)))
        .map((one) => one.textContent.slice(0, 30)),
    );
    return [...(extra > 0 ? [`${extra} px too wide`] : []), ...squeezed.map((text) => `no room is left for “${text}”`)];
  }

  async function still(page) {
    const shifts = await page.evaluate(() => window.shifts);
    const sum = shifts.reduce((total, one) => total + one.value, 0);
    return sum > mostShift ? [`moved by ${sum.toFixed(3)}: ${shifts.map((one) => one.what).join(", ")}`] : [];
  }
}

/** Nothing is loading any more, and what has come is drawn. */
async function settled(page) {
  await page.locator("h1, h2").first().waitFor();
  await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
  await page.evaluate(() => document.fonts.ready.then(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))));
}

function watchShifts() {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const what = entry.sources.map((source) => source.node?.className ?? source.node?.parentElement?.className ?? "").join(" ");
      if (!entry.hadRecentInput) window.shifts.push({ value: entry.value, what });
    }
  }).observe({ type: "layout-shift", buffered: true });
}
