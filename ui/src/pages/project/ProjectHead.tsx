/** The title line of a project's pages. */
import { LinkButton } from "../../parts/LinkButton";
import { reaches } from "../../api/me";
import type { Project } from "../../api/types";
import { Tag } from "../../parts/chips";
import { Icon } from "../../parts/Icon";
import { PageHead } from "../../parts/PageHead";

export function ProjectHead({ project }: { project: Project }) {
  return (
    <PageHead
      title={project.name}
      facts={
        <>
          <span style={{ overflowWrap: "anywhere" }}>{project.repository}</span>
          {project.public ? <Tag>public</Tag> : null}
        </>
      }
      actions={
        <>
          {reaches(project.role, "maintainer") ? (
            <LinkButton
              variant="default"
              to="/projects/$project/settings"
              params={{ project: project.name }}
              leftSection={<Icon name="settings" />}
            >
              Settings
            </LinkButton>
          ) : null}
          {reaches(project.role, "developer") ? (
            <LinkButton to="/projects/$project/start" params={{ project: project.name }} leftSection={<Icon name="play" />}>
              Start flow
            </LinkButton>
          ) : null}
        </>
      }
    />
  );
}
