/** The jobs of a run, as entries of a menu. */
import { Menu } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { runQuery } from "../../api/queries";
import { Loaded } from "../../parts/Loaded";
import { SkeletonLines } from "../../parts/Skeleton";
import { State } from "../../parts/State";
import { stateOf } from "../../parts/states";

export const jobSiblings = (run: string) => () => <JobSiblings run={run} />;

function JobSiblings({ run }: { run: string }) {
  return (
    <Loaded answer={useQuery(runQuery(run))} skeleton={<SkeletonLines lines={4} />}>
      {(data) =>
        data.jobs.map((job) => (
          <Menu.Item key={job.id} component={Link} to={`/jobs/${job.id}`} leftSection={<State state={stateOf(job)} />}>
            {job.name}
          </Menu.Item>
        ))
      }
    </Loaded>
  );
}
