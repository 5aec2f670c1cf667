/** Secrets that let programs and agents in. */
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { deleteToken } from "../../api/actions";
import { queryClient, tokensQuery } from "../../api/queries";
import type { Token } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { Tag } from "../../parts/chips";
import { confirmFirst } from "../../parts/confirm";
import { EmptyPage } from "../../parts/EmptyPage";
import { Loaded } from "../../parts/Loaded";
import { notify, say } from "../../parts/notices";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { SkeletonRows } from "../../parts/Skeleton";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import { NewTokenButton } from "./NewTokenButton";
import css from "./settings.module.css";

const columns: Column<Token>[] = [
  {
    id: "name",
    title: "Token",
    sortBy: (token) => token.name,
    text: (token) => `${token.name} ${token.kind} ${token.owner} ${token.project ?? ""}`,
    cell: (token) => (
      <div className={css.cell}>
        <div className={css.name}>{token.name === "" ? "no name" : token.name}</div>
        <code className={css.dim}>{token.prefix}…</code>
      </div>
    ),
  },
  {
    id: "opens",
    title: "Opens",
    sortBy: (token) => token.kind,
    cell: (token) => (
      <div className={css.tags}>
        <Tag>{token.kind === "api" ? "API" : "agents"}</Tag>
        {token.role === null ? null : <Tag>{token.role}</Tag>}
        {token.project === null ? null : <Tag>{token.project}</Tag>}
        {token.groups.map((group) => (
          <Tag key={group}>{`group ${group}`}</Tag>
        ))}
        {token.can_create_tokens ? <Tag>makes tokens</Tag> : null}
        {token.uses_left === null ? null : <Tag>{`${token.uses_left} left`}</Tag>}
      </div>
    ),
  },
  { id: "owner", title: "Owner", width: "120px", wideOnly: true, sortBy: (token) => token.owner, cell: (token) => token.owner },
  {
    id: "used",
    title: "Last used",
    width: "110px",
    align: "end",
    wideOnly: true,
    sortBy: (token) => (token.used_at === null ? null : Date.parse(token.used_at)),
    cell: (token) => <RelativeTime time={token.used_at} none="never" />,
  },
  {
    id: "expires",
    title: "Ends",
    width: "100px",
    align: "end",
    sortBy: (token) => (token.expires_at === null ? null : Date.parse(token.expires_at)),
    cell: (token) => <RelativeTime time={token.expires_at} none="never" />,
  },
  { id: "actions", title: "", width: "120px", align: "end", cell: (token) => <Revoke token={token} /> },
];

export function TokensPage() {
  useCrumbs([{ label: "Settings" }, { label: "Tokens" }]);
  return (
    <Page>
      <PageHead title="Tokens" facts="An API token lets a program act for you; a join token lets an agent in." actions={<NewTokenButton />} />
      <Loaded answer={useQuery(tokensQuery)} skeleton={<Panel flush><SkeletonRows rows={4} /></Panel>}>
        {(tokens) => (
          <DataTable
            label="Tokens"
            stacked
            columns={columns}
            rows={tokens}
            idOf={(token) => token.id}
            filter={tokens.length > 8}
            empty={
              <Panel>
                <EmptyPage title="No token yet" action={<NewTokenButton />}>
                  Make one for a script or for the command line on another machine. Its secret is shown once.
                </EmptyPage>
              </Panel>
            }
          />
        )}
      </Loaded>
    </Page>
  );
}

function Revoke({ token }: { token: Token }) {
  const revoke = useMutation({
    mutationFn: () => deleteToken(token.id),
    onSuccess: async () => {
      await queryClient.invalidateQueries(tokensQuery);
      say("The token is revoked.");
    },
    onError: notify,
  });
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={revoke.isPending}
      onClick={() =>
        confirmFirst({
          title: "Revoke this token?",
          text: `Whoever uses ${token.name === "" ? token.prefix : token.name} is shut out at once, and so is who uses a token made with it.`,
          action: "Revoke token",
          onConfirm: () => revoke.mutate(),
        })
      }
    >
      Revoke token
    </Button>
  );
}
