/** The insights: each reads one of the dashboards that come with the program as a page that answers a question. */

export interface Insight {
  /** As it stands in the address. */
  name: "repository" | "contributors" | "flow-health" | "dora";
  title: string;
  question: string;
  /** The dashboard whose figures and panels it shows. */
  dashboard: string;
  /** What it is about: a variable of the dashboard. */
  about: "repository" | "project";
}

export const insights: readonly Insight[] = [
  { name: "repository", title: "Repository", question: "How much changes, and how long do changes take?", dashboard: "keirin-repository", about: "repository" },
  { name: "contributors", title: "Contributors", question: "Who writes it, who is new, and on how few does it rest?", dashboard: "keirin-contributors", about: "repository" },
  { name: "flow-health", title: "Flow health", question: "Do flows succeed, and where does their time go?", dashboard: "keirin-flow-health", about: "project" },
  { name: "dora", title: "DORA", question: "How often and how safely do changes reach people?", dashboard: "keirin-dora", about: "project" },
];

export function insightNamed(name: string): Insight | undefined {
  return insights.find((one) => one.name === name);
}
