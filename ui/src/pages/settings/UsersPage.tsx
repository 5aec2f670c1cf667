/** The people who sign in. */
import { useQuery } from "@tanstack/react-query";
import { usersQuery } from "../../api/queries";
import type { User } from "../../api/types";
import { useCrumbs } from "../../frame/crumbs";
import { Tag } from "../../parts/chips";
import { EmptyPage } from "../../parts/EmptyPage";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { RelativeTime } from "../../parts/RelativeTime";
import { SkeletonRows } from "../../parts/Skeleton";
import type { Column } from "../../parts/table/columns";
import { DataTable } from "../../parts/table/DataTable";
import { NewUserButton } from "./NewUserButton";
import css from "./settings.module.css";
import { UserActions } from "./UserActions";

const columns: Column<User>[] = [
  {
    id: "name",
    title: "Name",
    sortBy: (user) => user.name,
    text: (user) => user.name,
    cell: (user) => (
      <div className={css.cell}>
        <span className={css.name}>{user.name}</span> {user.disabled ? <Tag>kept out</Tag> : null}
      </div>
    ),
  },
  {
    id: "roles",
    title: "Roles",
    cell: (user) => (
      <div className={css.tags}>
        <Tag>{user.role === null ? "none in all projects" : `${user.role} in all`}</Tag>
        {user.projects.map((one) => (
          <Tag key={one.project}>{`${one.role} in ${one.project}`}</Tag>
        ))}
      </div>
    ),
  },
  {
    id: "password",
    title: "Signs in by",
    width: "120px",
    wideOnly: true,
    cell: (user) => (user.has_password ? "password" : "link"),
  },
  {
    id: "seen",
    title: "Signed in",
    width: "110px",
    align: "end",
    wideOnly: true,
    sortBy: (user) => (user.signed_in_at === null ? null : Date.parse(user.signed_in_at)),
    cell: (user) => <RelativeTime time={user.signed_in_at} none="never" />,
  },
  { id: "actions", title: "", width: "150px", align: "end", cell: (user) => <UserActions user={user} /> },
];

export function UsersPage() {
  useCrumbs([{ label: "Settings" }, { label: "Users" }]);
  return (
    <Page>
      <PageHead title="Users" facts="Who may sign in, and what they may do." actions={<NewUserButton />} />
      <Loaded answer={useQuery(usersQuery)} skeleton={<Panel flush><SkeletonRows rows={4} /></Panel>}>
        {(users) => (
          <DataTable
            label="Users"
            stacked
            columns={columns}
            rows={users}
            idOf={(user) => user.id}
            filter={users.length > 8}
            empty={
              <Panel>
                <EmptyPage title="No user yet" />
              </Panel>
            }
          />
        )}
      </Loaded>
    </Page>
  );
}
