/** The programs that run jobs: whether they are there, what they offer and what they do. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMay } from "../../api/me";
import { agentsQuery } from "../../api/queries";
import type { Agent } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { Tag } from "../../parts/chips";
import { Duration } from "../../parts/Duration";
import { EmptyPage } from "../../parts/EmptyPage";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { SkeletonRows } from "../../parts/Skeleton";
import { State } from "../../parts/State";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import { counted } from "../../parts/words";
import { AgentActions } from "./AgentActions";
import { RemoveWaitingButton } from "./RemoveWaitingButton";
import css from "./AgentsPage.module.css";
import { agentShapes } from "./agentStates";
import { JoinButton } from "./JoinButton";

const columns: Column<Agent>[] = [
  {
    id: "name",
    title: "Agent",
    width: "30%",
    sortBy: (agent) => agent.name,
    text: (agent) => [agent.name, agentShapes[agent.state].word, ...agent.labels, ...agent.groups, ...Object.values(agent.host)].join(" "),
    cell: (agent) => (
      <div className={css.agent}>
        <State state={agentShapes[agent.state].state} label={agentShapes[agent.state].word} />
        <div>
          <div className={css.name}>{agent.name}</div>
          <div className={css.dim}>
            <Standing agent={agent} />
          </div>
        </div>
      </div>
    ),
  },
  {
    id: "offers",
    title: "Offers",
    wideOnly: true,
    cell: (agent) => (
      <div className={css.tags}>
        {agent.executors.map((executor) => (
          <Tag key={executor}>{executor}</Tag>
        ))}
        {agent.labels.map((label) => (
          <Tag key={label}>{label}</Tag>
        ))}
        {agent.groups.map((group) => (
          <Tag key={group}>{`group ${group}`}</Tag>
        ))}
      </div>
    ),
  },
  {
    id: "slots",
    title: "Slots",
    width: "130px",
    sortBy: (agent) => agent.running,
    cell: (agent) => <Slots agent={agent} />,
  },
  { id: "jobs", title: "Runs now", wideOnly: true, cell: (agent) => <Jobs agent={agent} /> },
  { id: "actions", title: "", width: "190px", align: "end", cell: (agent) => <AgentActions agent={agent} /> },
];

export function AgentsPage() {
  useCrumbs([{ label: "Agents" }]);
  const answer = useQuery(agentsQuery);
  const mayAdd = useMay("maintainer");
  return (
    <Page>
      <PageHead
        title="Agents"
        facts={answer.data ? <Sums agents={answer.data} /> : " "}
        actions={
          mayAdd ? (
            <>
              <RemoveWaitingButton agents={answer.data ?? []} />
              <JoinButton />
            </>
          ) : undefined
        }
      />
      <Loaded answer={answer} skeleton={<Panel flush><SkeletonRows rows={4} /></Panel>}>
        {(agents) => (
          <DataTable
            label="Agents"
            stacked
            columns={columns}
            rows={agents}
            idOf={(agent) => agent.id}
            empty={
              <Panel>
                <EmptyPage title="No agent has made itself known" action={mayAdd ? <JoinButton /> : undefined}>
                  An agent is the same program on any machine: <code>keirin agent start --server URL</code>.
                </EmptyPage>
              </Panel>
            }
          />
        )}
      </Loaded>
    </Page>
  );
}

/** One that is there asks for work all the time; of one that is not, it matters since when. */
function Standing({ agent }: { agent: Agent }) {
  const { word } = agentShapes[agent.state];
  if (agent.state === "online") {
    return (
      <>
        {word}, Keirin {agent.version}
      </>
    );
  }
  return (
    <>
      {word}, heard of <RelativeTime time={agent.seen_at} none="never" />
    </>
  );
}

function Sums({ agents }: { agents: readonly Agent[] }) {
  const online = agents.filter((agent) => agent.state === "online");
  const slots = online.reduce((sum, agent) => sum + agent.slots, 0);
  const busy = online.reduce((sum, agent) => sum + agent.running, 0);
  return (
    <>
      <span>
        {online.length} of {counted(agents.length, "agent")} online
      </span>
      <span>
        {busy} of {counted(slots, "slot")} busy
      </span>
    </>
  );
}

function Slots({ agent }: { agent: Agent }) {
  const shown = agent.slots <= 8 ? agent.slots : 0;
  return (
    <span className={css.slots} title={`${agent.running} of ${counted(agent.slots, "slot")} busy`}>
      {Array.from({ length: shown }, (_, slot) => (
        // oxlint-disable-next-line react/no-array-index-key -- a slot is its number
        <span key={slot} className={css.slot} data-busy={slot < agent.running} />
      ))}
      <span>
        {agent.running}/{agent.slots}
      </span>
    </span>
  );
}

function Jobs({ agent }: { agent: Agent }) {
  if (agent.jobs.length === 0) return <span className={css.dim}>{agent.running > 0 ? "jobs that you may not see" : "nothing"}</span>;
  return (
    <div>
      {agent.jobs.map((job) => (
        <div key={job.id} className={css.job}>
          <Link to="/jobs/$job" params={{ job: job.id }}>
            {job.name}
          </Link>
          <span className={css.dim}>
            {job.project} {job.flow_number}, <Duration from={job.started_at} to={null} none="starting" />
          </span>
        </div>
      ))}
    </div>
  );
}
