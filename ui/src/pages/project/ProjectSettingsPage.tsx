/** What can be changed about a project. */
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { projectQuery } from "../../api/queries";
import { useCrumbs } from "../../frame/crumbs";
import { projectCrumbs } from "../../frame/projectCrumbs";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { PageHead } from "../../parts/PageHead";
import { SkeletonRows } from "../../parts/Skeleton";
import { ProjectRetentionPanel } from "../retention/ProjectRetentionPanel";
import { CredentialPanel } from "./CredentialPanel";
import { DeletePanel } from "./DeletePanel";
import { MembersPanel } from "./MembersPanel";
import css from "./ProjectSettingsPage.module.css";
import { RepositoryPanel } from "./RepositoryPanel";

export function ProjectSettingsPage() {
  const { project: name } = useParams({ from: "/framed/projects/$project/settings" });
  useCrumbs(projectCrumbs({ project: name }, { label: "Settings" }));
  return (
    <Page width="form">
      <PageHead title="Settings" facts={`What holds for the whole of ${name}.`} />
      <Loaded answer={useQuery(projectQuery(name))} skeleton={<SkeletonRows rows={5} />}>
        {(project) => (
          <div className={css.panels}>
            <RepositoryPanel project={project} />
            <CredentialPanel project={project} />
            <ProjectRetentionPanel project={project.name} />
            <MembersPanel project={project} />
            <DeletePanel project={project} />
          </div>
        )}
      </Loaded>
    </Page>
  );
}
