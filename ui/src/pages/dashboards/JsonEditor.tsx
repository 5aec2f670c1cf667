/** A dashboard as text, checked while one writes, its faults at their lines. */
import { Button } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { checkDashboard, type DashboardJson, saveDashboard, type StoredDashboard } from "../../api/measure";
import { queryClient } from "../../api/queryClient";
import { placed, readText, writeText } from "../../dashboard/check";
import { CodeEditor, type LineFault } from "../../parts/code/CodeEditor";
import { confirmFirst } from "../../parts/confirm";
import { Panel } from "../../parts/Panel";
import { ProblemPanel } from "../../parts/ProblemPanel";
import { say } from "../../parts/notices";
import { counted } from "../../parts/words";
import { CopyDialog } from "./CopyDialog";
import { useReadOnly } from "./useReadOnly";
import css from "./dashboards.module.css";

const quietMilliseconds = 400;

export function JsonEditor({ stored, onClose }: { stored: StoredDashboard; onClose: () => void }) {
  const original = useMemo(() => writeText(stored.dashboard), [stored.dashboard]);
  const [text, setText] = useState(original);
  const [goal, setGoal] = useState<{ line: number } | null>(null);
  const [quiet] = useDebouncedValue(text, quietMilliseconds);
  const read = useMemo(() => readText(quiet), [quiet]);
  const navigate = useNavigate();
  const readOnly = useReadOnly(stored);
  const [copied, setCopied] = useState<DashboardJson | null>(null);
  const check = useQuery({
    queryKey: ["dashboard-check", quiet],
    queryFn: () => checkDashboard(read.dashboard ?? {}),
    enabled: read.dashboard !== null,
  });
  const faults = useMemo<LineFault[]>(() => (read.dashboard === null ? read.faults : placed(quiet, check.data ?? [])), [read, quiet, check.data]);
  const hasErrors = faults.some((fault) => fault.severity === "error");
  const settled = quiet === text && !check.isFetching;

  /** What was typed is nowhere else. */
  function discardFirst(then: () => void): void {
    if (text === original) then();
    else confirmFirst({ title: "Discard your changes?", text: "What you have typed is not saved anywhere.", action: "Discard changes", onConfirm: then });
  }

  const save = useMutation({
    mutationFn: async () => {
      const { dashboard } = readText(text);
      if (dashboard === null) throw new Error("The text is no JSON.");
      return saveDashboard(stored.uid, dashboard);
    },
    onSuccess: async (saved) => {
      void queryClient.invalidateQueries({ queryKey: ["dashboards"] });
      void queryClient.invalidateQueries({ queryKey: ["dashboard", saved.uid] });
      say(`${saved.title} is saved.`);
      await navigate({ to: "/dashboards/$uid", params: { uid: saved.uid } });
    },
  });

  return (
    <div className={css.editing}>
      {copied === null ? null : (
        <CopyDialog dashboard={copied} title={typeof copied.title === "string" ? copied.title : stored.title} project={stored.project} onClose={() => setCopied(null)} />
      )}
      <div className={css.editTools}>
        {readOnly ? (
          <Button disabled={hasErrors || !settled} onClick={() => setCopied(readText(text).dashboard)}>
            Save a copy
          </Button>
        ) : (
          <Button loading={save.isPending} disabled={hasErrors || !settled || text === original} onClick={() => save.mutate()}>
            Save dashboard
          </Button>
        )}
        <Button variant="default" onClick={() => discardFirst(onClose)}>
          Show dashboard
        </Button>
        {text === original ? null : (
          <Button variant="default" onClick={() => discardFirst(() => setText(original))}>
            Undo changes
          </Button>
        )}
        <span className={css.dim} role="status">
          {stored.provided ? "It comes with Keirin, so changes are saved as a copy. " : readOnly ? "Its people alone may change it; changes are saved as a copy. " : ""}
          {settled ? (faults.length === 0 ? "No faults." : counted(faults.length, "fault")) : "Checking."}
        </span>
      </div>
      {save.error == null ? null : <ProblemPanel error={save.error} />}
      {check.error == null || read.dashboard === null ? null : <ProblemPanel error={check.error} onRetry={() => void check.refetch()} />}
      {faults.length === 0 ? null : (
        <Panel title="Faults" flush>
          <ul className={css.faults}>
            {faults.map((fault) => (
              <li key={`${fault.line} ${fault.message}`}>
                <button type="button" onClick={() => setGoal({ line: fault.line })}>
                  <strong data-severity={fault.severity}>
                    {fault.severity === "error" ? "Error" : "Warning"}, line {fault.line}
                  </strong>{" "}
                  {fault.message.replaceAll("`", "")}
                </button>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <Panel flush>
        <CodeEditor label={`${stored.title} as JSON`} text={text} onChange={setText} diagnostics={faults} goal={goal} />
      </Panel>
    </div>
  );
}
