/** How long a project keeps what its flows leave, and some of its branches. */
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { setProjectRetention } from "../../api/actions";
import { projectRetentionQuery, queryClient } from "../../api/queries";
import type { BranchRetentionRules, EffectiveRetention, ProjectRetention, ProjectRetentionRules, RetentionRules } from "../../api/types";
import { Form } from "../../parts/Form";
import { Icon } from "../../parts/Icon";
import { Loaded } from "../../parts/Loaded";
import { say } from "../../parts/notices";
import { Panel } from "../../parts/Panel";
import { SkeletonRows } from "../../parts/Skeleton";
import { KeepTable } from "./KeepTable";
import { inheritedOver } from "./keep";
import css from "./Retention.module.css";

export function ProjectRetentionPanel({ project }: { project: string }) {
  return (
    <Panel title="Retention">
      <Loaded answer={useQuery(projectRetentionQuery(project))} skeleton={<SkeletonRows rows={4} />}>
        {(retention) => <RetentionForm key={project} project={project} retention={retention} />}
      </Loaded>
    </Panel>
  );
}

const nothingSaid: RetentionRules = { ci: {}, dev: {} };

/** A rule about branches in the form: it has a name of its own, because its pattern changes while one types. */
interface BranchRule {
  key: number;
  rule: BranchRetentionRules;
}

function RetentionForm({ project, retention }: { project: string; retention: ProjectRetention }) {
  const [all, setAll] = useState(retention.rules.rules);
  const [branches, setBranches] = useState<BranchRule[]>(retention.rules.branches.map((rule, key) => ({ key, rule })));
  const save = useMutation({
    mutationFn: () => {
      const rules: ProjectRetentionRules = { rules: all, branches: branches.map(({ rule }) => ({ ...rule, pattern: rule.pattern.trim() })) };
      return setProjectRetention(project, rules);
    },
    onSuccess: (saved) => {
      queryClient.setQueryData(projectRetentionQuery(project).queryKey, saved);
      say("Retention is saved.");
    },
  });
  const add = () =>
    setBranches([...branches, { key: Math.max(-1, ...branches.map(({ key }) => key)) + 1, rule: { kind: "branch", pattern: "", rules: nothingSaid } }]);
  const change = (key: number, rule: BranchRetentionRules) => setBranches(branches.map((one) => (one.key === key ? { key, rule } : one)));
  return (
    <Form
      onSubmit={() => save.mutate()}
      error={save.error}
      buttons={
        <>
          <Button variant="default" leftSection={<Icon name="plus" />} onClick={add}>
            Add rule for branches
          </Button>
          <Button type="submit" loading={save.isPending}>
            Save retention
          </Button>
        </>
      }
    >
      <p className={css.intro}>
        Time counts from the end of a flow. Pinned flows stay, and of each workflow on a branch the newest flow and the newest that succeeded.
        What was counted stays in all figures. Of rules for branches the first that fits holds.
      </p>
      <KeepTable label="All branches" rules={all} inherited={retention.inherited} onChange={setAll} disabled={save.isPending} />
      {branches.map(({ key, rule }) => (
        <BranchRuleFields
          key={key}
          rule={rule}
          inherited={inheritedOver(retention.inherited, all)}
          disabled={save.isPending}
          onChange={(changed) => change(key, changed)}
          onRemove={() => setBranches(branches.filter((one) => one.key !== key))}
        />
      ))}
    </Form>
  );
}

interface BranchRuleFieldsProps {
  rule: BranchRetentionRules;
  inherited: EffectiveRetention;
  disabled: boolean;
  onChange: (rule: BranchRetentionRules) => void;
  onRemove: () => void;
}

function BranchRuleFields({ rule, inherited, disabled, onChange, onRemove }: BranchRuleFieldsProps) {
  const what = rule.kind === "branch" ? "Branches" : "Tags";
  return (
    <div className={css.branches}>
      <div className={css.branchHead}>
        <NativeSelect
          label="Rule for"
          data={[
            { value: "branch", label: "Branches" },
            { value: "tag", label: "Tags" },
          ]}
          value={rule.kind}
          disabled={disabled}
          onChange={(event) => onChange({ ...rule, kind: event.currentTarget.value === "tag" ? "tag" : "branch" })}
        />
        <TextInput
          label="Name or glob"
          placeholder={rule.kind === "branch" ? "release/*" : "v*"}
          required
          value={rule.pattern}
          disabled={disabled}
          onChange={(event) => onChange({ ...rule, pattern: event.currentTarget.value })}
        />
        <Button variant="default" disabled={disabled} onClick={onRemove}>
          Remove rule
        </Button>
      </div>
      <KeepTable label={`${what} ${rule.pattern}`} rules={rule.rules ?? nothingSaid} inherited={inherited} onChange={(rules) => onChange({ ...rule, rules })} disabled={disabled} />
    </div>
  );
}
