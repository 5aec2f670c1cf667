/** What the server says when it cannot do what was asked. */
import type { Problem } from "./types";

export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

/** Anything that was thrown, as a problem document. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return {
    type: "page",
    title: "The page met an error of its own",
    status: 0,
    detail: error instanceof Error ? error.message : String(error),
    fix: "Load the page again. If it stays, report it with this text.",
  };
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "title" in body && "status" in body;
}

/** The problem document of an answer that is an error; says so where something else answered in the server's place. */
export function readProblem(body: unknown, response: Response): Problem {
  if (isProblem(body)) return body;
  return {
    type: "not-keirin",
    title: `The server answered ${response.status} ${response.statusText}`.trim(),
    status: response.status,
    detail: "The answer is not one of Keirin's: something between this page and the server may have given it.",
    fix: "Try again, and look at the proxy's log if there is one.",
  };
}
