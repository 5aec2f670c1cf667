/** Every view's address, and the page that answers to it. Pages are fetched when they are needed, or when a link is hovered. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import {
  agentsQuery,
  auditQuery,
  backgroundQuery,
  branchesQuery,
  flowQuery,
  flowsQuery,
  jobQuery,
  overviewQuery,
  projectQuery,
  projectsQuery,
  queryClient,
  queueQuery,
  runQuery,
  storageQuery,
  tokensQuery,
  usersQuery,
  workflowsQuery,
} from "./api/queries";
import { dashboardQuery, dashboardsQuery, dataPipelineQuery, metricsQuery, repositoriesQuery, targetsQuery } from "./api/measure";
import { Frame } from "./frame/Frame";
import { insightNamed } from "./insights/insights";
import { NotFound } from "./pages/NotFound";
import { PageError } from "./pages/PageError";
import { auditSchema } from "./pages/audit/entries";
import { backgroundSchema } from "./pages/background/states";
import { exploreSchema } from "./pages/explore/state";
import { Root } from "./Root";
import { duration, moment, oneOf, positiveInteger, rangeSchema, readSearch, string, tableSchema } from "./search";

const rootRoute = createRootRoute({ component: Root, notFoundComponent: NotFound });
const framed = createRoute({ getParentRoute: () => rootRoute, id: "framed", component: Frame });

// A loader asks ahead and does not wait: the page shows its skeleton at once, and its own question finds the answer.
const ahead = (...asked: Promise<unknown>[]) => void Promise.allSettled(asked);

const signIn = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: readSearch({ to: string, link: oneOf("used") }),
  component: lazyRouteComponent(() => import("./pages/sign-in/SignInPage"), "SignInPage"),
});
const overview = createRoute({
  getParentRoute: () => framed,
  path: "/",
  loader: () => ahead(queryClient.prefetchQuery(overviewQuery)),
  component: lazyRouteComponent(() => import("./pages/overview/OverviewPage"), "OverviewPage"),
});
const projects = createRoute({
  getParentRoute: () => framed,
  path: "/projects",
  validateSearch: readSearch(tableSchema),
  loader: () => ahead(queryClient.prefetchQuery(projectsQuery)),
  component: lazyRouteComponent(() => import("./pages/projects/ProjectsPage"), "ProjectsPage"),
});
const newProject = createRoute({
  getParentRoute: () => framed,
  path: "/projects/new",
  component: lazyRouteComponent(() => import("./pages/projects/NewProjectPage"), "NewProjectPage"),
});
const project = createRoute({
  getParentRoute: () => framed,
  path: "/projects/$project",
  validateSearch: readSearch(tableSchema),
  loader: ({ params }) =>
    ahead(
      queryClient.prefetchQuery(projectQuery(params.project)),
      queryClient.prefetchQuery(branchesQuery(params.project)),
    ),
  component: lazyRouteComponent(() => import("./pages/project/ProjectPage"), "ProjectPage"),
});
const projectSettings = createRoute({
  getParentRoute: () => framed,
  path: "/projects/$project/settings",
  loader: ({ params }) => ahead(queryClient.prefetchQuery(projectQuery(params.project))),
  component: lazyRouteComponent(() => import("./pages/project/ProjectSettingsPage"), "ProjectSettingsPage"),
});
const branch = createRoute({
  getParentRoute: () => framed,
  path: "/projects/$project/branches/$branch",
  loader: ({ params }) => ahead(queryClient.prefetchInfiniteQuery(flowsQuery(params.project, params.branch))),
  component: lazyRouteComponent(() => import("./pages/branch/BranchPage"), "BranchPage"),
});
const start = createRoute({
  getParentRoute: () => framed,
  path: "/projects/$project/start",
  validateSearch: readSearch({ branch: string }),
  component: lazyRouteComponent(() => import("./pages/start/StartPage"), "StartPage"),
});
/** Its type has to be known before that of what the loader goes by. */
const readWorkflowSearch = readSearch({ commit: string, name: string });
const workflow = createRoute({
  getParentRoute: () => framed,
  path: "/projects/$project/branches/$branch/workflow",
  validateSearch: readWorkflowSearch,
  loaderDeps: ({ search }) => ({ commit: search.commit }),
  loader: ({ params, deps }) => ahead(queryClient.prefetchQuery(workflowsQuery(params.project, params.branch, deps.commit))),
  component: lazyRouteComponent(() => import("./pages/workflow/WorkflowPage"), "WorkflowPage"),
});
const flow = createRoute({
  getParentRoute: () => framed,
  path: "/flows/$flow",
  validateSearch: readSearch({ ...tableSchema, tab: oneOf("graph", "waterfall", "tests", "artifacts", "about"), job: string }),
  loader: ({ params }) => ahead(queryClient.prefetchQuery(flowQuery(params.flow))),
  component: lazyRouteComponent(() => import("./pages/flow/FlowPage"), "FlowPage"),
});
const run = createRoute({
  getParentRoute: () => framed,
  path: "/runs/$run",
  validateSearch: readSearch({ ...tableSchema, tab: oneOf("jobs", "tests", "artifacts") }),
  loader: ({ params }) => ahead(queryClient.prefetchQuery(runQuery(params.run))),
  component: lazyRouteComponent(() => import("./pages/run/RunPage"), "RunPage"),
});
const job = createRoute({
  getParentRoute: () => framed,
  path: "/jobs/$job",
  validateSearch: readSearch({ ...tableSchema, tab: oneOf("log", "tests", "artifacts"), attempt: positiveInteger }),
  loader: ({ params }) => ahead(queryClient.prefetchQuery(jobQuery(params.job))),
  component: lazyRouteComponent(() => import("./pages/job/JobPage"), "JobPage"),
});
const queue = createRoute({
  getParentRoute: () => framed,
  path: "/queue",
  validateSearch: readSearch(tableSchema),
  loader: () => ahead(queryClient.prefetchQuery(queueQuery)),
  component: lazyRouteComponent(() => import("./pages/queue/QueuePage"), "QueuePage"),
});
const agents = createRoute({
  getParentRoute: () => framed,
  path: "/agents",
  validateSearch: readSearch(tableSchema),
  loader: () => ahead(queryClient.prefetchQuery(agentsQuery)),
  component: lazyRouteComponent(() => import("./pages/agents/AgentsPage"), "AgentsPage"),
});
const logs = createRoute({
  getParentRoute: () => framed,
  path: "/logs",
  validateSearch: readSearch({ in: oneOf("flow", "run", "job", "agent", "service"), id: string, regex: string }),
  component: lazyRouteComponent(() => import("./pages/logs/LogsPage"), "LogsPage"),
});
const insights = createRoute({
  getParentRoute: () => framed,
  path: "/insights",
  validateSearch: readSearch(tableSchema),
  loader: () => ahead(queryClient.prefetchQuery(repositoriesQuery)),
  component: lazyRouteComponent(() => import("./pages/insights/InsightsPage"), "InsightsPage"),
});
const insight = createRoute({
  getParentRoute: () => framed,
  path: "/insights/$insight",
  validateSearch: readSearch(rangeSchema, "var-"),
  loader: ({ params }) =>
    ahead(
      queryClient.prefetchQuery(dashboardQuery(insightNamed(params.insight)?.dashboard ?? params.insight)),
      queryClient.prefetchQuery(metricsQuery),
    ),
  component: lazyRouteComponent(() => import("./pages/insights/InsightPage"), "InsightPage"),
});
const explore = createRoute({
  getParentRoute: () => framed,
  path: "/explore",
  validateSearch: readSearch({ ...tableSchema, ...rangeSchema, ...exploreSchema }),
  loader: () => ahead(queryClient.prefetchQuery(metricsQuery)),
  component: lazyRouteComponent(() => import("./pages/explore/ExplorePage"), "ExplorePage"),
});
const dashboards = createRoute({
  getParentRoute: () => framed,
  path: "/dashboards",
  validateSearch: readSearch(tableSchema),
  loader: () => ahead(queryClient.prefetchQuery(dashboardsQuery)),
  component: lazyRouteComponent(() => import("./pages/dashboards/DashboardsPage"), "DashboardsPage"),
});
const dashboard = createRoute({
  getParentRoute: () => framed,
  path: "/dashboards/$uid",
  validateSearch: readSearch({ ...rangeSchema, panel: string, edit: oneOf("json"), refresh: duration }, "var-"),
  loader: ({ params }) => ahead(queryClient.prefetchQuery(dashboardQuery(params.uid))),
  component: lazyRouteComponent(() => import("./pages/dashboards/DashboardPage"), "DashboardPage"),
});
const targets = createRoute({
  getParentRoute: () => framed,
  path: "/targets",
  validateSearch: readSearch(tableSchema),
  loader: () => ahead(queryClient.prefetchQuery(targetsQuery)),
  component: lazyRouteComponent(() => import("./pages/targets/TargetsPage"), "TargetsPage"),
});
const data = createRoute({
  getParentRoute: () => framed,
  path: "/data",
  loader: () => ahead(queryClient.prefetchQuery(dataPipelineQuery)),
  component: lazyRouteComponent(() => import("./pages/data/DataPage"), "DataPage"),
});
const facts = createRoute({
  getParentRoute: () => framed,
  path: "/facts",
  validateSearch: readSearch({ metric: string, from: moment, until: moment }, "label."),
  loader: () => ahead(queryClient.prefetchQuery(metricsQuery)),
  component: lazyRouteComponent(() => import("./pages/facts/FactsPage"), "FactsPage"),
});
const tokens = createRoute({
  getParentRoute: () => framed,
  path: "/settings/tokens",
  validateSearch: readSearch(tableSchema),
  loader: () => ahead(queryClient.prefetchQuery(tokensQuery)),
  component: lazyRouteComponent(() => import("./pages/settings/TokensPage"), "TokensPage"),
});
const users = createRoute({
  getParentRoute: () => framed,
  path: "/settings/users",
  validateSearch: readSearch(tableSchema),
  loader: () => ahead(queryClient.prefetchQuery(usersQuery)),
  component: lazyRouteComponent(() => import("./pages/settings/UsersPage"), "UsersPage"),
});
const password = createRoute({
  getParentRoute: () => framed,
  path: "/settings/password",
  component: lazyRouteComponent(() => import("./pages/settings/PasswordPage"), "PasswordPage"),
});

const background = createRoute({
  getParentRoute: () => framed,
  path: "/settings/background-jobs",
  validateSearch: readSearch(backgroundSchema),
  loader: () => ahead(queryClient.prefetchQuery(backgroundQuery)),
  component: lazyRouteComponent(() => import("./pages/background/BackgroundPage"), "BackgroundPage"),
});
const storage = createRoute({
  getParentRoute: () => framed,
  path: "/settings/storage",
  validateSearch: readSearch(tableSchema),
  // It is much to count, so not for a link that is only hovered.
  loader: ({ preload }) => (preload ? undefined : ahead(queryClient.prefetchQuery(storageQuery))),
  component: lazyRouteComponent(() => import("./pages/storage/StoragePage"), "StoragePage"),
});

const readAuditSearch = readSearch(auditSchema);
const audit = createRoute({
  getParentRoute: () => framed,
  path: "/settings/audit-log",
  validateSearch: readAuditSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ deps }) => ahead(queryClient.prefetchInfiniteQuery(auditQuery(deps))),
  component: lazyRouteComponent(() => import("./pages/audit/AuditPage"), "AuditPage"),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    signIn,
    framed.addChildren([
      overview,
      projects,
      newProject,
      project,
      projectSettings,
      branch,
      start,
      workflow,
      flow,
      run,
      job,
      queue,
      agents,
      logs,
      insights,
      insight,
      explore,
      dashboards,
      dashboard,
      targets,
      data,
      facts,
      tokens,
      users,
      password,
      background,
      storage,
      audit,
    ]),
  ]),
  basepath: new URL(document.baseURI).pathname,
  defaultPreload: "intent",
  defaultPreloadStaleTime: 30_000,
  defaultErrorComponent: PageError,
  scrollRestoration: true,
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const kept = Object.entries(search).filter((entry): entry is [string, string] => entry[1] != null && entry[1] !== "");
    const text = new URLSearchParams(kept).toString();
    return text === "" ? "" : `?${text}`;
  },
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
