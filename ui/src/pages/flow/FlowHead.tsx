/** The title line of a flow, with what one can do about it. */
import { Button, Menu } from "@mantine/core";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { cancelFlow, pinFlow, rerunFlow, unpinFlow } from "../../api/actions";
import { useMay } from "../../api/me";
import { flowQuery, flowsQuery, queryClient } from "../../api/queries";
import type { Flow } from "../../api/types";
import { type Key, useKeys } from "../../keyboard/keys";
import { CauseText, CommitChip, flowSubject, PersonChip } from "../../parts/chips";
import { confirmFirst } from "../../parts/confirm";
import { Duration } from "../../parts/Duration";
import { Icon } from "../../parts/Icon";
import { notify, say } from "../../parts/notices";
import { PageHead } from "../../parts/PageHead";
import { RelativeTime } from "../../parts/RelativeTime";
import { isOver, stateOf, stateWords } from "../../parts/states";

export function FlowHead({ flow }: { flow: Flow }) {
  const mayRun = useMay("developer", flow.project);
  const state = stateOf(flow);
  return (
    <PageHead
      state={state}
      title={`${flow.number} ${flowSubject(flow)}`}
      facts={
        <>
          <span>{stateWords[state]}</span>
          <CommitChip commit={flow.commit} />
          {flow.change?.author ? <PersonChip name={flow.change.author} /> : null}
          <span><CauseText cause={flow.cause} /></span>
          <RelativeTime time={flow.created_at} />
          <span style={{ display: "inline-flex", gap: 5, alignItems: "center" }}>
            <Icon name="clock" size={14} />
            <Duration from={flow.created_at} to={flow.finished_at} />
          </span>
          {flow.retention.pinned ? (
            <span style={{ display: "inline-flex", gap: 5, alignItems: "center" }} title="It stays with all that it left">
              <Icon name="pin" size={14} />
              Pinned
            </span>
          ) : null}
          <Link to="/logs" search={{ in: "flow", id: flow.id }}>
            Search logs
          </Link>
        </>
      }
      actions={
        <>
          <Neighbours flow={flow} />
          {mayRun ? <Actions flow={flow} /> : null}
        </>
      }
    />
  );
}

/** Steps to the flow before and after on the same branch. */
function Neighbours({ flow }: { flow: Flow }) {
  const list = useInfiniteQuery(flowsQuery(flow.project, flow.branch));
  const navigate = useNavigate({ from: "/flows/$flow" });
  const flows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const at = flows.findIndex((one) => one.id === flow.id);
  const newer = at > 0 ? flows[at - 1] : undefined;
  const older = at >= 0 ? flows[at + 1] : undefined;
  const keys = useMemo<Key[]>(() => {
    const go = (to: { id: string } | undefined) => () => {
      if (to) void navigate({ to: "/flows/$flow", params: { flow: to.id }, search: ({ tab }) => ({ tab }) });
    };
    return [
      { keys: "[", does: "Flow before", run: go(older) },
      { keys: "]", does: "Flow after", run: go(newer) },
    ];
  }, [navigate, older, newer]);
  useKeys("In a flow", keys);
  const button = (label: string, icon: "left" | "right", key: Key | undefined, there: boolean) => (
    <Button variant="default" px={7} aria-label={label} title={label} disabled={!there} onClick={() => key?.run?.()}>
      <Icon name={icon} />
    </Button>
  );
  return (
    <Button.Group>
      {button("Flow before ([)", "left", keys[0], older !== undefined)}
      {button("Flow after (])", "right", keys[1], newer !== undefined)}
    </Button.Group>
  );
}

function Actions({ flow }: { flow: Flow }) {
  const options = (done: string) => ({
    onSuccess: async (changed: Flow) => {
      queryClient.setQueryData(flowQuery(changed.id).queryKey, changed);
      await queryClient.invalidateQueries({ queryKey: ["flow", changed.id] });
      say(done);
    },
    onError: notify,
  });
  const cancel = useMutation({ mutationFn: () => cancelFlow(flow.id), ...options("The flow is being cancelled.") });
  const rerun = useMutation({ mutationFn: (failed: boolean) => rerunFlow(flow.id, failed), ...options("The jobs run again.") });
  const pin = useMutation({
    mutationFn: () => (flow.retention.pinned ? unpinFlow(flow.id) : pinFlow(flow.id)),
    onSuccess: async () => {
      await Promise.all([["flow", flow.id], ["flows"], ["overview"]].map((queryKey) => queryClient.invalidateQueries({ queryKey })));
      say(flow.retention.pinned ? "The flow is kept as long as others." : "The flow stays, with all that it left.");
    },
    onError: notify,
  });
  const askToCancel = () =>
    confirmFirst({
      title: `Cancel flow ${flow.number}?`,
      text: "Its jobs that run are stopped, and those that wait do not start. They can be rerun.",
      action: "Cancel flow",
      onConfirm: () => cancel.mutate(),
    });
  const over = isOver(flow);
  const someBad = flow.runs.some((run) => run.jobs.some((job) => isOver(job) && job.outcome !== "success"));
  return (
    <>
      <Button variant="default" leftSection={<Icon name="pin" />} loading={pin.isPending} onClick={() => pin.mutate()}>
        {flow.retention.pinned ? "Unpin" : "Pin"}
      </Button>
      {over ? (
        <Menu position="bottom-end" width={240}>
          <Menu.Target>
            <Button variant="default" leftSection={<Icon name="again" />} rightSection={<Icon name="down" size={14} />} loading={rerun.isPending}>
              Rerun
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => rerun.mutate(false)}>Rerun all jobs</Menu.Item>
            <Menu.Item disabled={!someBad} onClick={() => rerun.mutate(true)}>
              Rerun jobs that did not succeed
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ) : (
        <Button variant="default" leftSection={<Icon name="stop" />} loading={cancel.isPending} onClick={askToCancel}>
          Cancel flow
        </Button>
      )}
    </>
  );
}
