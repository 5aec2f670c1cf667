/** How long the server keeps what flows leave, where a project says nothing else. */
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { setServerRetention } from "../../api/actions";
import { queryClient, serverRetentionQuery, storageQuery } from "../../api/queries";
import type { ServerRetention } from "../../api/types";
import { Form } from "../../parts/Form";
import { Loaded } from "../../parts/Loaded";
import { say } from "../../parts/notices";
import { Panel } from "../../parts/Panel";
import { SkeletonRows } from "../../parts/Skeleton";
import { KeepTable } from "./KeepTable";
import css from "./Retention.module.css";

export function ServerRetentionPanel() {
  return (
    <Panel title="Retention">
      <Loaded answer={useQuery(serverRetentionQuery)} skeleton={<SkeletonRows rows={4} />}>
        {(retention) => <RetentionForm retention={retention} />}
      </Loaded>
    </Panel>
  );
}

function RetentionForm({ retention }: { retention: ServerRetention }) {
  const [rules, setRules] = useState(retention.rules);
  const save = useMutation({
    mutationFn: () => setServerRetention(rules),
    onSuccess: async (saved) => {
      queryClient.setQueryData(serverRetentionQuery.queryKey, saved);
      await queryClient.invalidateQueries(storageQuery);
      say("Retention is saved.");
    },
  });
  return (
    <Form
      onSubmit={() => save.mutate()}
      error={save.error}
      buttons={
        <Button type="submit" loading={save.isPending}>
          Save retention
        </Button>
      }
    >
      <p className={css.intro}>
        Time counts from the end of a flow. Pinned flows stay, and of each workflow on a branch the newest flow and the newest that succeeded.
        What was counted stays in all figures. A project can say something else in its settings.
      </p>
      <KeepTable label="All projects" inherits="Default" rules={rules} inherited={retention.inherited} onChange={setRules} disabled={save.isPending} />
    </Form>
  );
}
