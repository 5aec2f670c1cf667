// What is optional in a page's address comes and goes with a click, and leaves the address as it was.
import { check, must, until } from "./check.mjs";

export function checkAddresses({ page, go, api, heading, project, log }) {
  const address = () => page.url();
  /** Waits until the address is what is said, so that a wrong one is named. */
  const addressIs = (wanted) =>
    page.waitForURL(wanted, { timeout: 10_000 }).catch(() => {
      throw new Error(`the address is ${address()} and not ${wanted}`);
    });

  /** A flow whose job `wheel` ran twice. */
  async function rerunFlow() {
    const flows = (await api(`projects/${project}/flows`)).items;
    for (const { id } of flows) {
      const flow = await api(`flows/${id}`);
      const job = flow.runs.flatMap((run) => run.jobs).find((one) => one.attempts.length > 1);
      if (job) return { flow: id, job };
    }
    throw new Error("no job has run twice");
  }

  check("leaving the first tab and coming back shows it again", async () => {
    const { flow } = await rerunFlow();
    await go(`flows/${flow}`);
    const first = address();
    const tabs = page.getByRole("navigation", { name: "Views of this flow" });
    for (const [name, tab] of [["Waterfall", "waterfall"], ["Tests", "tests"], ["Parameters and cause", "about"]]) {
      await tabs.getByRole("link", { name }).click();
      await addressIs(`${first}?tab=${tab}`);
    }
    await tabs.getByRole("link", { name: "Graph" }).click();
    await addressIs(first);
    await page.getByRole("link", { name: "Open log" }).first().waitFor();
  });

  check("a job is chosen in the graph and its attempts there and back", async () => {
    const { job } = await rerunFlow();
    await go(`jobs/${job.id}`);
    const first = address();
    const choice = page.getByLabel("Attempt");
    await choice.selectOption("1");
    await addressIs(`${first}?attempt=1`);
    await log.waitFor();
    await choice.selectOption(String(job.attempts.length));
    await addressIs(first);
    await log.waitFor();
    await page.goBack();
    await addressIs(`${first}?attempt=1`);
    must((await choice.inputValue()) === "1", "going back did not choose the attempt before");
  });

  check("a table is sorted three times and filtered, and then it is as it was", async () => {
    await go("projects");
    await heading("Projects").waitFor();
    const first = address();
    const sort = page.getByRole("columnheader", { name: "Project", exact: true });
    for (const [order, search] of [["ascending", "?sort=name"], ["descending", "?sort=-name"], [null, ""]]) {
      await sort.getByRole("button").click();
      await addressIs(`${first}${search}`);
      must((await sort.getAttribute("aria-sort")) === order, `the order is not ${order}`);
    }
    const filter = page.getByRole("textbox", { name: "Filter projects" });
    await filter.fill("nothing like it");
    await page.getByRole("button", { name: "Clear the filter" }).click();
    await addressIs(first);
    await page.getByRole("link", { name: project, exact: true }).waitFor();
    await filter.fill("w");
    await filter.fill("");
    await addressIs(first);
    await page.getByRole("link", { name: project, exact: true }).waitFor();
  });

  check("background jobs are filtered by kind and state, and then all are there again", async () => {
    await go("settings/background-jobs");
    await heading("Background jobs").waitFor();
    const first = address();
    const table = page.getByRole("table", { name: "Background jobs" });
    await table.getByText("Merge the small pieces of logs").waitFor();
    await page.getByLabel("Kind").selectOption("forget_agents");
    await addressIs(`${first}?kind=forget_agents`);
    await table.getByText("Merge the small pieces of logs").waitFor({ state: "detached" });
    await page.getByLabel("State").selectOption("dead");
    await addressIs(`${first}?kind=forget_agents&state=dead`);
    await page.getByText("No job of this kind is dead").waitFor();
    await page.getByRole("link", { name: "Show all jobs" }).click();
    await addressIs(first);
    await table.getByText("Merge the small pieces of logs").waitFor();
    await go("settings/background-jobs?kind=undefined&state=undefined");
    await page.getByText("No job of this kind").waitFor();
  });

  check("a background job is run now, and is cancelled only after somebody has said so", async () => {
    await go("settings/background-jobs?kind=forget_agents");
    const job = async () => (await api("background-jobs?kind=forget_agents")).items[0];
    const before = (await job()).ended_at;
    await page.getByRole("button", { name: "Run now" }).click();
    await until("the job has run", async () => (await job()).ended_at !== before);
    const { run_at: due } = await job();
    await page.getByRole("button", { name: "Cancel job" }).click();
    await page.getByRole("button", { name: "Leave as it is" }).press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    must((await job()).run_at === due, "the job was cancelled although nobody said yes");
    await page.getByRole("button", { name: "Cancel job" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel job" }).click();
    await page.getByText("The job is cancelled.").waitFor();
    must((await job()).run_at > due, "the job is not left out");
  });

  check("the audit log says who changed what, and is narrowed by a click and widened again", async () => {
    await go("settings/audit-log");
    await heading("Audit log").waitFor();
    const first = address();
    const table = page.getByRole("table", { name: "Changes" });
    await table.getByRole("link", { name: project, exact: true }).first().click();
    await addressIs(`${first}?project=${project}`);
    await table.getByRole("link", { name: "admin", exact: true }).first().click();
    await addressIs(`${first}?project=${project}&by=admin`);
    await page.getByLabel("Outcome").selectOption("open");
    await addressIs(`${first}?project=${project}&by=admin&outcome=open`);
    await page.getByText("No such change").waitFor();
    await page.getByLabel("Outcome").selectOption("");
    await page.getByRole("button", { name: `Project ${project}: show all again` }).click();
    await addressIs(`${first}?by=admin`);
    await page.getByRole("button", { name: "By admin: show all again" }).click();
    await addressIs(first);
    await table.getByText("Sign in by a one-time link").first().waitFor();
  });

  check("a query is written and run on an empty Explore page", async () => {
    await go("explore");
    await page.getByRole("textbox", { name: "Query" }).first().fill("vector(41) + 1");
    await page.getByRole("button", { name: "Run query" }).click();
    await page.waitForURL(/[?&]q=/);
    must(!address().includes("undefined"), `the address is ${address()}`);
    await page.getByText("Table", { exact: true }).click();
    await page.getByRole("cell", { name: "42" }).first().waitFor();
    must(!address().includes("undefined"), `the address is ${address()}`);
    await page.getByText("Graph", { exact: true }).click();
    await page.getByRole("img", { name: /^Graph/ }).waitFor();
  });

  check("an address with what no page knows shows the page all the same", async () => {
    const { flow, job } = await rerunFlow();
    await go(`flows/${flow}?tab=undefined&job=undefined`);
    await page.getByRole("link", { name: "Open log" }).first().waitFor();
    await go(`jobs/${job.id}?tab=undefined&attempt=undefined`);
    await log.waitFor();
    await go("projects?sort=undefined");
    await page.getByRole("link", { name: project, exact: true }).waitFor();
  });
}
