/** Which flow, run, job, agent or service: chosen from what is there, or typed as an id. */
import { NativeSelect, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { agentsQuery, type LogSearchIn, overviewQuery } from "../../api/queries";
import { flowSubject } from "../../parts/chips";

interface ScopeFieldProps {
  kind: LogSearchIn["kind"];
  id: string;
  onChange: (id: string) => void;
}

export function ScopeField({ kind, id, onChange }: ScopeFieldProps) {
  switch (kind) {
    case "flow":
      return <FlowField id={id} onChange={onChange} />;
    case "agent":
      return <AgentField id={id} onChange={onChange} />;
    case "service":
      return <IdField label="Service's name" id={id} onChange={onChange} />;
    case "run":
      return <IdField label="Stage run's id" id={id} onChange={onChange} />;
    case "job":
      return <IdField label="Job's id" id={id} onChange={onChange} />;
  }
}

type FieldProps = Omit<ScopeFieldProps, "kind">;

function FlowField({ id, onChange }: FieldProps) {
  const overview = useQuery(overviewQuery).data;
  const flows = overview ? [...overview.running.map((one) => one.flow), ...overview.recent] : [];
  const listId = useId();
  return (
    <>
      <TextInput label="Flow's id" required list={listId} value={id} onChange={(event) => onChange(event.currentTarget.value)} />
      <datalist id={listId}>
        {flows.map((flow) => (
          <option key={flow.id} value={flow.id}>{`${flow.project} ${flow.number}: ${flowSubject(flow)}`}</option>
        ))}
      </datalist>
    </>
  );
}

function AgentField({ id, onChange }: FieldProps) {
  const agents = useQuery(agentsQuery).data ?? [];
  return (
    <NativeSelect
      label="Agent"
      required
      data={[{ value: "", label: "Choose an agent" }, ...agents.map((agent) => ({ value: agent.id, label: agent.name }))]}
      value={id}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

function IdField({ label, id, onChange }: FieldProps & { label: string }) {
  return <TextInput label={label} required value={id} onChange={(event) => onChange(event.currentTarget.value)} />;
}
