/** One's own password. */
import { Button, Checkbox, PasswordInput } from "@mantine/core";
import { useMutation, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { setOwnPassword } from "../../api/actions";
import { meQuery, queryClient } from "../../api/queries";
import { useCrumbs } from "../../frame/crumbs";
import { Form } from "../../parts/Form";
import { say } from "../../parts/notices";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";

export function PasswordPage() {
  useCrumbs([{ label: "Settings" }, { label: "Password" }]);
  const { data: me } = useSuspenseQuery(meQuery);
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [revokeTokens, setRevokeTokens] = useState(false);
  const save = useMutation({
    mutationFn: () => setOwnPassword({ current: me.has_password ? current : null, new: next, revoke_tokens: revokeTokens }),
    onSuccess: async () => {
      setCurrent("");
      setNext("");
      await queryClient.invalidateQueries(meQuery);
      say(revokeTokens ? "The password is set, and all your tokens are revoked." : "The password is set.");
    },
  });
  return (
    <Page width="form">
      <PageHead title={me.has_password ? "Change password" : "Set password"} facts="With a password one signs in by name, without a link." />
      <Panel>
        <Form
          onSubmit={() => save.mutate()}
          error={save.error}
          buttons={
            <Button type="submit" loading={save.isPending}>
              {me.has_password ? "Change password" : "Set password"}
            </Button>
          }
        >
          <input type="text" name="username" autoComplete="username" value={me.name ?? ""} readOnly hidden />
          {me.has_password ? (
            <PasswordInput
              label="Present password"
              required
              autoComplete="current-password"
              value={current}
              onChange={(event) => setCurrent(event.currentTarget.value)}
            />
          ) : null}
          <PasswordInput
            label="New password"
            description="At least 10 characters."
            required
            minLength={10}
            autoComplete="new-password"
            value={next}
            onChange={(event) => setNext(event.currentTarget.value)}
          />
          <Checkbox
            label="Revoke all my tokens"
            description="Every session ends in any case. Tick this where somebody else may know the old password."
            checked={revokeTokens}
            onChange={(event) => setRevokeTokens(event.currentTarget.checked)}
          />
        </Form>
      </Panel>
    </Page>
  );
}
