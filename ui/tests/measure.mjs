// What a person does with figures: asks the series, goes from a figure to its facts, imports a dashboard.
import { check, must, until } from "./check.mjs";

const insights = ["repository", "contributors", "flow-health", "dora"];
const dashboards = ["contributors", "dora", "flow-health", "hosts", "postgresql", "repository"];

/** A dashboard of another Grafana: one of its panels is of a kind that nobody here knows. */
const strange = {
  uid: "strange",
  title: "From elsewhere",
  schemaVersion: 39,
  time: { from: "now-1h", to: "now" },
  panels: [
    { id: 1, type: "stat", title: "One and one", gridPos: { x: 0, y: 0, w: 12, h: 6 }, targets: [{ refId: "A", expr: "vector(1) + vector(1)" }] },
    { id: 2, type: "nodeGraph", title: "Who calls whom", gridPos: { x: 12, y: 0, w: 12, h: 6 }, targets: [{ refId: "A", expr: "up" }], made: "elsewhere" },
    { id: 3, type: "text", title: "Words", gridPos: { x: 0, y: 6, w: 24, h: 4 }, options: { mode: "markdown", content: "**bold** <img src=x onerror=window.broken=1>" } },
  ],
};

export const measurePages = [
  "insights", ...insights.map((name) => `insights/${name}`), "explore", "explore?q=up", "explore?q=sum(", "dashboards",
  ...dashboards.map((name) => `dashboards/keirin-${name}`), "targets", "data", "facts?metric=keirin_flows_total",
];

export function checkMeasure({ page, go, api, heading, project }) {
  /** Waits until every flow has ended and every fact is in its series: until then a figure may be older than its facts. */
  const untilCounted = () =>
    until("every flow has ended and is counted", async () => {
      if ((await api(`projects/${project}/flows`)).items.some((flow) => flow.state !== "finished")) return false;
      const transforms = (await api("data-pipeline")).parts.find((part) => part.name === "transforms");
      return transforms.parts.every((part) => part.note === null);
    });

  check("a query is answered, and one that cannot be read is marked where it breaks", async () => {
    await go("explore?q=vector(41)%20%2B%201&view=table");
    await page.getByRole("cell", { name: "42" }).first().waitFor();
    await go("explore?q=sum(rate(");
    await page.getByRole("alert").first().waitFor();
  });

  check("a figure of the flows leads to the flows that it counts", async () => {
    await untilCounted();
    await go(`insights/flow-health?var-project=${project}`);
    const figure = page.getByRole("group", { name: "Flows", exact: true }).getByRole("link");
    await figure.waitFor();
    const counted = Number(await figure.textContent());
    await figure.click();
    await heading("Facts").waitFor();
    await page.getByRole("main").getByRole("listitem").filter({ hasText: "Flow of" }).first().waitFor();
    const shown = await page.getByRole("main").getByRole("listitem").filter({ hasText: "Flow of" }).count();
    must(shown === counted, `the figure says ${counted}, and ${shown} facts are shown`);
  });

  check("every dashboard that comes with the program is drawn whole", async () => {
    for (const name of dashboards) {
      await go(`dashboards/keirin-${name}`);
      await page.getByRole("main").getByRole("heading", { level: 3 }).first().waitFor();
      const faults = await page.getByText(/is not drawn|cannot be drawn|cannot be worked out|cannot be read/).allTextContents();
      must(faults.length === 0, `${name}: ${faults.join(", ")}`);
    }
  });

  check("a dashboard with a panel that nobody knows says so, and the rest is drawn", async () => {
    await go("dashboards");
    await page.getByRole("button", { name: "Import dashboard" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Or paste its JSON").fill(JSON.stringify(strange));
    await dialog.getByRole("button", { name: "Import dashboard" }).click();
    await heading("From elsewhere").waitFor();
    await page.getByText("1 thing of this dashboard is not drawn").waitFor();
    await page.getByRole("article", { name: "One and one" }).getByText("2", { exact: true }).waitFor();
    await page.getByRole("article", { name: "Who calls whom" }).getByText("This panel is not drawn").waitFor();
    await page.getByRole("article", { name: "Words" }).getByText("bold").waitFor();
    must(!(await page.evaluate(() => "broken" in window)), "words of a panel were run");
    const kept = (await api("dashboards/strange")).dashboard.panels[1];
    must(kept.type === "nodeGraph" && kept.made === "elsewhere", "what is not drawn was not kept");
  });

  check("a copy of a dashboard can be a project's", async () => {
    await go("dashboards/strange");
    await page.getByRole("button", { name: "Dashboard", exact: true }).click();
    await page.getByRole("menuitem", { name: "Save a copy" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Title").fill("Ours alone");
    await dialog.getByLabel("Belongs to").selectOption(project);
    await dialog.getByRole("button", { name: "Save a copy" }).click();
    await heading("Ours alone").waitFor();
    await go("dashboards");
    const row = page.getByRole("row").filter({ hasText: "Ours alone" });
    await row.getByRole("link", { name: project, exact: true }).waitFor();
  });

  check("a dashboard's JSON is checked before it is saved", async () => {
    await go("dashboards/strange?edit=json");
    const editor = page.getByRole("textbox").first();
    await editor.fill('{"title": "From elsewhere", "panels": [');
    await page.getByText(/line \d+/i).first().waitFor();
    must(await page.getByRole("button", { name: /^Save/ }).isDisabled(), "what cannot be read could be saved");
  });
}
