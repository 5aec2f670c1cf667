/** The data pipeline: from events to reports, with how fresh each part is and how far it lags behind. */
import { useQuery } from "@tanstack/react-query";
import { type PipelinePart, dataPipelineQuery } from "../../api/measure";
import { useCrumbs } from "../../frame/crumbs";
import { EmptyPage } from "../../parts/EmptyPage";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { Sentence } from "../../parts/Sentence";
import { SkeletonLines } from "../../parts/Skeleton";
import { State } from "../../parts/State";
import { figure, preciselyInWords } from "../../parts/words";
import css from "./DataPage.module.css";
import { partStates, worst } from "./parts";
import { PipelineStrip } from "./PipelineStrip";

const words = { ok: "Everything is up to date.", late: "Something is late.", failed: "Something has failed.", empty: "Nothing has come yet." };

export function DataPage() {
  useCrumbs([{ label: "Data pipeline" }]);
  const answer = useQuery({ ...dataPipelineQuery, refetchInterval: 10_000 });
  return (
    <Page>
      <PageHead title="Data pipeline" state={answer.data ? partStates[worst(answer.data)].state : undefined} facts={answer.data ? words[worst(answer.data)] : " "} />
      <Loaded answer={answer} skeleton={<Panel><SkeletonLines lines={6} /></Panel>}>
        {(parts) =>
          parts.length === 0 ? (
            <Panel>
              <EmptyPage title="Nothing flows yet">Add a repository, or start a flow: events become facts, facts become series.</EmptyPage>
            </Panel>
          ) : (
            <div className={css.content}>
              <PipelineStrip parts={parts} linked />
              {parts.filter((part) => part.note !== null || part.parts.length > 0).map((part) => (
                <Section key={part.name} part={part} />
              ))}
            </div>
          )
        }
      </Loaded>
    </Page>
  );
}

function Section({ part }: { part: PipelinePart }) {
  return (
    <section id={`part-${part.name}`} className={css.section} tabIndex={-1} aria-label={part.title}>
      <Panel
        title={
          <span className={css.title}>
            <State state={partStates[part.state].state} label={partStates[part.state].word} />
            {part.title}
          </span>
        }
        aside={<Figures part={part} />}
        flush
      >
        {part.note === null ? null : (
          <p className={css.note}>
            <Sentence text={part.note} />
          </p>
        )}
        {part.parts.length === 0 ? null : (
          <ul className={css.inner}>
            {part.parts.map((inner) => (
              <li key={inner.name}>
                <State state={partStates[inner.state].state} label={partStates[inner.state].word} />
                <div className={css.innerText}>
                  <span>{inner.title}</span>
                  {inner.note === null ? null : (
                    <span className={css.dim}>
                      <Sentence text={inner.note} />
                    </span>
                  )}
                </div>
                <div className={css.figures}>
                  <Figures part={inner} />
                </div>
              </li>
            ))}
          </ul>
        )}
      </Panel>
    </section>
  );
}

function Figures({ part }: { part: PipelinePart }) {
  return (
    <>
      <span className="figures">{part.count === null ? "" : figure(part.count)}</span>
      <span>
        {part.newest_at === null ? "" : <>newest <RelativeTime time={part.newest_at} /></>}
      </span>
      {part.lag_seconds === null ? <span /> : <span className="figures">{part.lag_seconds <= 0 ? "no lag" : `lag ${preciselyInWords(part.lag_seconds)}`}</span>}
    </>
  );
}
