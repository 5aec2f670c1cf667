/** How background work stands, by the shapes that states have everywhere, and when it is worth asking again. */
import type { BackgroundJob, BackgroundJobState, BackgroundKind, BackgroundOverview, ReconcilerState } from "../../api/types";
import type { StateName } from "../../parts/states";
import { counted, inWords } from "../../parts/words";
import { oneOf, string } from "../../search";

/** What a person has to look at stands first. */
export const jobStates: readonly BackgroundJobState[] = ["dead", "waiting", "running"];

export const backgroundSchema = { kind: string, state: oneOf(...jobStates) };

export const jobShapes: Record<BackgroundJobState, { state: StateName; word: string }> = {
  waiting: { state: "waiting", word: "Waiting" },
  running: { state: "running", word: "Running" },
  dead: { state: "failed", word: "Dead" },
};

export function reconcilerShape({ failed_at: failed, succeeded_at: succeeded }: ReconcilerState): { state: StateName; word: string } {
  if (failed !== null) return { state: "failed", word: "Failing" };
  return succeeded === null ? { state: "no_data", word: "Not done yet" } : { state: "success", word: "Going well" };
}

/** When the job of a kind that recurs is due, in a few words; empty where its jobs are asked for. */
export function timesOf({ every_seconds: every, cron }: BackgroundKind): string {
  if (cron !== null) return `at ${cron}`;
  return every === null ? "" : `every ${inWords(every)}`;
}

/** How long the last run took that has ended, in seconds; null where none has, or where another one runs by now. */
export function lastRunSeconds({ started_at: started, ended_at: ended }: BackgroundJob): number | null {
  if (started === null || ended === null) return null;
  const seconds = (Date.parse(ended) - Date.parse(started)) / 1000;
  return seconds < 0 ? null : seconds;
}

/** The one line that says how all of it stands, and whether a person is needed. */
export function summaryOf({ kinds, reconcilers }: BackgroundOverview): { isWell: boolean; text: string } {
  const dead = kinds.reduce((sum, kind) => sum + kind.dead, 0);
  const failing = reconcilers.filter((one) => one.failed_at !== null).length;
  const parts = [
    dead === 0 ? [] : [`${counted(dead, "job")} ${dead === 1 ? "has" : "have"} failed too often and ${dead === 1 ? "waits" : "wait"} for a person.`],
    failing === 0 ? [] : [`Of what goes on all the time, ${failing} of ${reconcilers.length} ${failing === 1 ? "fails" : "fail"}.`],
  ].flat();
  return { isWell: parts.length === 0, text: parts.length === 0 ? "Everything goes well; nothing waits for a person." : parts.join(" ") };
}

const soonMilliseconds = 2000;
export const seldomMilliseconds = 10_000;

/** How long until the jobs are asked for again: soon while one runs or should, and when the next one is due. */
export function refetchAfter(jobs: readonly BackgroundJob[], now: number): number {
  const isBusy = jobs.some((job) => job.state === "running" || (job.state === "waiting" && Date.parse(job.run_at) <= now));
  if (isBusy) return soonMilliseconds;
  const waits = jobs.filter((job) => job.state === "waiting").map((job) => Date.parse(job.run_at) - now);
  // A moment later, so that a short one is over by then.
  return Math.min(seldomMilliseconds, ...waits.map((wait) => wait + soonMilliseconds / 2));
}
