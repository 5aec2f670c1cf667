/** Searches the logs of a flow, a run, a job, an agent or a part of the server. */
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useMay } from "../../api/me";
import { type LogSearchIn, logSearchQuery } from "../../api/queries";
import { useCrumbs } from "../../frame/crumbs";
import { EmptyPage } from "../../parts/EmptyPage";
import { Icon } from "../../parts/Icon";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { SkeletonRows } from "../../parts/Skeleton";
import { counted } from "../../parts/words";
import css from "./LogsPage.module.css";
import { Matches } from "./Matches";
import { ScopeField } from "./ScopeField";

type Kind = LogSearchIn["kind"];

const kinds: { value: Kind; label: string }[] = [
  { value: "flow", label: "Flow" },
  { value: "run", label: "Stage run" },
  { value: "job", label: "Job" },
  { value: "agent", label: "Agent" },
  { value: "service", label: "Service" },
];
const limit = 500;

function kindOf(word: string | undefined): Kind {
  return kinds.find((kind) => kind.value === word)?.value ?? "flow";
}

export function LogsPage() {
  useCrumbs([{ label: "Logs" }]);
  const search = useSearch({ from: "/framed/logs" });
  const navigate = useNavigate();
  const mayAll = useMay("admin");
  const [kind, setKind] = useState<Kind>(kindOf(search.in));
  const [id, setId] = useState(search.id ?? "");
  const [pattern, setPattern] = useState(search.regex ?? "");
  const asked = { kind: kindOf(search.in), id: search.id ?? "", pattern: search.regex ?? "", limit };
  const answer = useQuery(logSearchQuery(asked));
  const ready = asked.id !== "" && asked.pattern !== "";

  function submit(event: React.FormEvent): void {
    event.preventDefault();
    void navigate({ to: ".", search: { in: kind, id, regex: pattern } });
    if (kind === asked.kind && id === asked.id && pattern === asked.pattern) void answer.refetch();
  }

  return (
    <Page>
      <PageHead title="Logs" facts="Finds the lines that match a regular expression." />
      <form className={css.form} onSubmit={submit} role="search">
        <NativeSelect
          label="In the logs of a"
          data={kinds.filter(({ value }) => mayAll || (value !== "agent" && value !== "service"))}
          value={kind}
          onChange={(event) => {
            setKind(kindOf(event.currentTarget.value));
            setId("");
          }}
        />
        <ScopeField kind={kind} id={id} onChange={setId} />
        <TextInput
          className={css.pattern}
          label="Regular expression"
          placeholder="(?i)error|warning"
          leftSection={<Icon name="search" />}
          required
          data-filter=""
          value={pattern}
          onChange={(event) => setPattern(event.currentTarget.value)}
        />
        <Button type="submit" loading={answer.isFetching}>
          Search logs
        </Button>
      </form>
      {ready ? (
        <Loaded answer={answer} skeleton={<Panel flush><SkeletonRows /></Panel>}>
          {(found) =>
            found.matches.length === 0 ? (
              <Panel>
                <EmptyPage title="No line matches">Case matters unless the expression begins with (?i).</EmptyPage>
              </Panel>
            ) : (
              <>
                <p className={css.sum} role="status">
                  {found.more ? `The first ${counted(found.matches.length, "line")}; there are more.` : counted(found.matches.length, "line")}
                </p>
                <Matches matches={found.matches} />
              </>
            )
          }
        </Loaded>
      ) : (
        <Panel>
          <EmptyPage title="Say where to search and for what">
            Choose a flow to search all its jobs at once. Each line that is found leads to its place in the log.
          </EmptyPage>
        </Panel>
      )}
    </Page>
  );
}
