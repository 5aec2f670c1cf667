/** The questions that can be answered, and the histories that answer them. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type Repository, repositoriesQuery } from "../../api/measure";
import { useMay } from "../../api/me";
import { useCrumbs } from "../../frame/crumbs";
import { insights } from "../../insights/insights";
import { EmptyPage } from "../../parts/EmptyPage";
import { LinkButton } from "../../parts/LinkButton";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { Sentence } from "../../parts/Sentence";
import { SkeletonRows } from "../../parts/Skeleton";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import { figure } from "../../parts/words";
import css from "./insights.module.css";

export function InsightsPage() {
  useCrumbs([{ label: "Insights" }]);
  const repositories = useQuery(repositoriesQuery);
  return (
    <Page>
      <PageHead title="Insights" facts="What the history and the runs say. Every figure leads to the facts that it counts." />
      <ul className={css.cards} aria-label="Questions">
        {insights.map(({ name, title, question }) => (
          <li key={name}>
            <Link to="/insights/$insight" params={{ insight: name }} className={css.card}>
              <strong>{title}</strong>
              <span>{question}</span>
            </Link>
          </li>
        ))}
      </ul>
      <Loaded answer={repositories} skeleton={<Panel flush><SkeletonRows rows={4} /></Panel>}>
        {(rows) => <DataTable label="Repositories" columns={columns} rows={rows} idOf={(one) => one.id} empty={<NoRepository />} />}
      </Loaded>
    </Page>
  );
}

const columns: Column<Repository>[] = [
  {
    id: "name",
    title: "Repository",
    sortBy: (one) => one.name,
    text: (one) => `${one.name} ${one.project ?? ""}`,
    cell: (one) => (
      <div>
        <Link to="/insights/$insight" params={{ insight: "repository" }} search={{ "var-repository": one.name }}>
          {one.name}
        </Link>
        {one.last_error === null ? null : (
          <div className={css.failed}>
            <Sentence text={one.last_error} />
          </div>
        )}
      </div>
    ),
  },
  counts("commits", "Commits", (one) => one.commits),
  counts("pull_requests", "Pull requests", (one) => one.pull_requests, true),
  counts("releases", "Releases", (one) => one.releases, true),
  counts("people", "People", (one) => one.people),
  {
    id: "imported",
    title: "Read",
    width: "110px",
    align: "end",
    wideOnly: true,
    sortBy: (one) => one.imported_at,
    cell: (one) => (one.imported_at === null ? "not yet" : <RelativeTime time={one.imported_at} />),
  },
];

function counts(id: string, title: string, of: (one: Repository) => number, wideOnly = false): Column<Repository> {
  return { id, title, width: "110px", align: "end", wideOnly, sortBy: of, cell: (one) => <span className="figures">{figure(of(one))}</span> };
}

function NoRepository() {
  const mayAdd = useMay("maintainer");
  return (
    <Panel>
      <EmptyPage title="No history has been read yet" action={mayAdd ? <LinkButton to="/projects/new">Add your repository</LinkButton> : undefined}>
        The history of a project&apos;s repository is read by itself. Any other is read by <code>keirin import git PATH --repository NAME</code>.
      </EmptyPage>
    </Panel>
  );
}
