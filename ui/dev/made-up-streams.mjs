// Made-up server-sent events: running jobs write lines, and events name them now and then.
import { jobs } from "./made-up-data.mjs";
import { linesOf } from "./made-up-log.mjs";

const listeners = new Set();
const followers = new Set();
let position = 0;

export function tell(event) {
  position += 1;
  const whole = { time: new Date().toISOString(), project_id: "1", project: "keirin", flow: null, run: null, job: null, agent: null, state: null, outcome: null, ...event };
  for (const response of listeners) response.write(`id: 0-${position}\nevent: ${whole.kind}\ndata: ${JSON.stringify(whole)}\n\n`);
}

function open(response) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(": hello\n\n");
}

export function streams(path, url, request, response) {
  if (path.join("/") === "events") {
    open(response);
    listeners.add(response);
    request.on("close", () => listeners.delete(response));
    return true;
  }
  if (path[0] === "jobs" && path[2] === "log" && path[3] === "stream") {
    const follower = { job: jobs.get(path[1]), response, next: Number(request.headers["last-event-id"] ?? url.searchParams.get("from") - 1) + 1 };
    open(response);
    followers.add(follower);
    request.on("close", () => followers.delete(follower));
    return true;
  }
  return false;
}

const ticking = setInterval(() => {
  for (const job of jobs.values()) if (job.state === "running") job.log.lines += 1 + Math.floor(Math.random() * 4);
  for (const follower of followers) {
    const lines = linesOf(follower.job, follower.next, 5000);
    if (lines.length > 0) {
      follower.next = lines.at(-1).line + 1;
      follower.response.write(`id: ${lines.at(-1).line}\nevent: lines\ndata: ${JSON.stringify(lines)}\n\n`);
    }
    if (follower.job.log.closed) follower.response.write("event: end\ndata: {}\n\n");
  }
}, 400);

export function stopTicking() {
  clearInterval(ticking);
}
