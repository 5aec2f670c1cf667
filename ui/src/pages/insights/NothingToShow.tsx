/** In place of an insight that there are no facts for yet: what would bring them. */
import type { Insight } from "../../insights/insights";
import { EmptyPage } from "../../parts/EmptyPage";
import { LinkButton } from "../../parts/LinkButton";
import { Panel } from "../../parts/Panel";

export function NothingToShow({ insight }: { insight: Insight }) {
  if (insight.name === "dora") {
    return (
      <Panel>
        <EmptyPage title="No deployment yet" action={<LinkButton to="/projects">Look at the projects</LinkButton>}>
          A stage whose workflow names an <code>environment</code> deploys. Each of its runs is a deployment, and the figures come from
          those.
        </EmptyPage>
      </Panel>
    );
  }
  if (insight.about === "project") {
    return (
      <Panel>
        <EmptyPage title="No flow has finished yet" action={<LinkButton to="/projects">Start a flow of a project</LinkButton>}>
          The figures come from flows that have finished.
        </EmptyPage>
      </Panel>
    );
  }
  return (
    <Panel>
      <EmptyPage title="No history yet" action={<LinkButton to="/projects/new">Add your repository</LinkButton>}>
        The history of a project&apos;s repository is read by itself. Any other is read by <code>keirin import git PATH --repository NAME</code>.
      </EmptyPage>
    </Panel>
  );
}
