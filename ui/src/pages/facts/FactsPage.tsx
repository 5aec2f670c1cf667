/** The facts behind a number: what happened, when, by whom, with the way to it. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { type Fact, type FactKind, factsQuery, metricsQuery } from "../../api/measure";
import { useCrumbs } from "../../frame/crumbs";
import { EmptyPage } from "../../parts/EmptyPage";
import { Icon, type IconName } from "../../parts/Icon";
import { Loaded } from "../../parts/Loaded";
import { More } from "../../parts/More";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { SkeletonRows } from "../../parts/Skeleton";
import { row } from "../../parts/table/row";
import { useRowKeys } from "../../parts/table/useRowKeys";
import { absolute, useTimeZone } from "../../parts/timezone";
import { inWords, preciselyInWords } from "../../parts/words";
import css from "./FactsPage.module.css";

export function FactsPage() {
  useCrumbs([{ label: "Insights", to: "/insights" }, { label: "Facts" }]);
  const search = useSearch({ from: "/framed/facts" });
  const zone = useTimeZone();
  const asked = {
    metric: search.metric ?? "",
    from: search.from ?? "",
    until: search.until ?? "",
    labels: Object.fromEntries(Object.entries(search).flatMap(([name, value]) => (name.startsWith("label.") && value !== undefined ? [[name.slice(6), value]] : []))),
  };
  const answer = useInfiniteQuery(factsQuery(asked));
  const definition = useQuery(metricsQuery).data?.find((one) => one.name === asked.metric)?.help;
  useRowKeys();

  if (asked.metric === "") {
    return (
      <Page>
        <PageHead title="Facts" />
        <Panel>
          <EmptyPage title="No number was chosen">Each number of the insights, and each point of a chart, leads to the facts that it counts.</EmptyPage>
        </Panel>
      </Page>
    );
  }
  return (
    <Page>
      <PageHead
        title="Facts"
        facts={
          <>
            <span>
              behind <code>{asked.metric}</code>
            </span>
            {asked.from === "" ? null : (
              <span>
                from {absolute(asked.from, zone)} until {absolute(asked.until, zone)}
              </span>
            )}
          </>
        }
      />
      <p className={css.definition}>{definition}</p>
      {Object.keys(asked.labels).length === 0 ? null : (
        <ul className={css.filters} aria-label="Only those with">
          {Object.entries(asked.labels).map(([name, value]) => (
            <li key={name}>
              <span>
                {name} = <strong>{value}</strong>
              </span>
              <Link to="/facts" search={(previous) => ({ ...previous, [`label.${name}`]: undefined })} aria-label={`Without ${name}`}>
                <Icon name="cross" size={12} />
              </Link>
            </li>
          ))}
        </ul>
      )}
      <Loaded answer={answer} skeleton={<Panel flush><SkeletonRows rows={8} /></Panel>}>
        {(pages) => {
          const facts = pages.pages.flatMap((page) => page.items);
          if (facts.length === 0) return <Panel><EmptyPage title="No fact in this time">Nothing of the kind happened, or it has not been collected yet: the data pipeline shows how fresh each part is.</EmptyPage></Panel>;
          return (
            <Panel flush>
              <ul className={css.facts}>
                {facts.map((fact, index) => (
                  // oxlint-disable-next-line react/no-array-index-key -- two facts may be alike in all that is shown
                  <li key={`${fact.at} ${fact.title} ${index}`} {...row}>
                    <One fact={fact} />
                  </li>
                ))}
              </ul>
              <More list={answer} what="facts" />
            </Panel>
          );
        }}
      </Loaded>
    </Page>
  );
}

const kinds: Record<FactKind, { icon: IconName; word: string }> = {
  commit: { icon: "commit", word: "Commit" },
  pull_request: { icon: "branch", word: "Pull request" },
  release: { icon: "tag", word: "Release" },
  flow: { icon: "play", word: "Flow" },
  run: { icon: "play", word: "Stage run" },
  job: { icon: "settings", word: "Job" },
  attempt: { icon: "again", word: "Attempt" },
};

/** How long it waited and took, in words. */
function spans({ kind, waited_seconds: waited, took_seconds: took }: Fact): (string | null)[] {
  return [
    waited === null ? null : `waited ${preciselyInWords(waited)}`,
    took === null ? null : kind === "pull_request" ? `${inWords(took)} from the first commit` : `took ${preciselyInWords(took)}`,
  ];
}

function One({ fact }: { fact: Fact }) {
  const { icon, word } = kinds[fact.kind] ?? { icon: "file", word: fact.kind };
  // A link leads to a page of this one, and nowhere else.
  const link = fact.link !== null && /^\/(?!\/)/.test(fact.link) ? fact.link : null;
  return (
    <>
      <span className={css.icon} title={word}>
        <Icon name={icon} />
        <span className="unseen">{word}</span>
      </span>
      <div className={css.body}>
        <div className={css.title}>{link === null ? fact.title : <Link to={link}>{fact.title}</Link>}</div>
        <div className={css.detail}>
          {fact.author === null ? null : <span>{fact.author}</span>}
          {[fact.detail, ...spans(fact)].map((words) => (words === null ? null : <span key={words}>{words}</span>))}
        </div>
      </div>
      <span className={css.time}>
        <RelativeTime time={fact.at} />
      </span>
    </>
  );
}
