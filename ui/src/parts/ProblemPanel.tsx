/** A problem in the place of what could not be shown: what happened, why, and what to do. */
import { LinkButton } from "./LinkButton";
import { Button } from "@mantine/core";
import { problemOf } from "../api/problem";
import { Icon } from "./Icon";
import { Sentence } from "./Sentence";
import css from "./ProblemPanel.module.css";

interface ProblemPanelProps {
  error: unknown;
  onRetry?: (() => void) | undefined;
  /** It stands for the whole page, so its title is the page's. */
  page?: boolean;
}

export function ProblemPanel({ error, onRetry, page = false }: ProblemPanelProps) {
  const problem = problemOf(error);
  // Where one signs in, not to be let in is a fault, and the door is there already.
  const isClosed = problem.status === 401 && !location.pathname.endsWith("/sign-in");
  const title = problem.status !== 401 ? problem.title : isClosed ? "Sign in to see this" : "Not signed in";
  const Title = page ? "h1" : "h2";
  return (
    <div className={css.panel} role="alert" data-door={isClosed}>
      <Icon name={isClosed ? "users" : "warning"} size={20} />
      <div className={css.text}>
        <Title className={css.title}>{title}</Title>
        {problem.detail == null || isClosed ? null : <p>
            <Sentence text={problem.detail} />
          </p>}
        {problem.fix == null || isClosed ? null : <p className={css.fix}>
            <Sentence text={problem.fix} />
          </p>}
        {problem.diagnostics?.map((fault) => (
          <pre key={`${fault.line}:${fault.column} ${fault.message}`} className={css.fault}>
            {`${fault.file}:${fault.line}:${fault.column}: ${fault.message}`}
            {fault.suggestion == null ? "" : `\n  ${fault.suggestion}`}
          </pre>
        ))}
        <div className={css.actions}>
          {isClosed ? (
            <LinkButton to="/sign-in" search={{ to: location.pathname + location.search }}>
              Sign in
            </LinkButton>
          ) : null}
          {page && problem.status === 404 ? (
            <LinkButton to="/" variant="default">
              Go to the overview
            </LinkButton>
          ) : null}
          {onRetry && problem.status !== 404 && problem.status !== 401 ? (
            <Button variant="default" onClick={onRetry}>
              Try again
            </Button>
          ) : null}
        </div>
      </div>
    </div>
  );
}
