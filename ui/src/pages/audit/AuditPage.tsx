/** Who has changed what, when and from where. */
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { auditQuery } from "../../api/queries";
import { useCrumbs } from "../../frame/crumbs";
import { Loaded } from "../../parts/Loaded";
import { More } from "../../parts/More";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { Panel } from "../../parts/Panel";
import { SkeletonRows } from "../../parts/Skeleton";
import { AuditFilters } from "./AuditFilters";
import { AuditTable } from "./AuditTable";

export function AuditPage() {
  useCrumbs([{ label: "Settings" }, { label: "Audit log" }]);
  const asked = useSearch({ from: "/framed/settings/audit-log" });
  const entries = useInfiniteQuery({ ...auditQuery(asked), placeholderData: keepPreviousData });
  return (
    <Page>
      <PageHead title="Audit log" facts="Who has changed what, when and from where. Calls that were turned away, and what agents and jobs send, are not in it." />
      <AuditFilters {...asked} />
      <Loaded answer={entries} skeleton={<Panel flush><SkeletonRows rows={12} /></Panel>}>
        {({ pages }) => <AuditTable entries={pages.flatMap((page) => page.items)} isFiltered={Object.values(asked).some((one) => one !== undefined)} />}
      </Loaded>
      <More list={entries} what="changes" />
    </Page>
  );
}
