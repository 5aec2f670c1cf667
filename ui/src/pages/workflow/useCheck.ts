/** Asks the server about a changed workflow, once one stops typing. */
import { useQuery } from "@tanstack/react-query";
import { useDebouncedValue } from "@mantine/hooks";
import { checkWorkflow } from "../../api/actions";
import type { Workflow, WorkflowCheck } from "../../api/types";

const quietMilliseconds = 300;

export function useCheck(workflow: Workflow, text: string): { result: WorkflowCheck; pending: boolean; error: unknown } {
  const [asked] = useDebouncedValue(text, quietMilliseconds);
  const changed = asked !== workflow.text;
  const answer = useQuery({
    queryKey: ["check", workflow.file, asked],
    queryFn: () => checkWorkflow(workflow.file, asked),
    enabled: changed,
    placeholderData: (before) => before,
  });
  const result = changed && answer.data ? answer.data : workflow;
  return { result, pending: asked !== text || (changed && answer.isFetching), error: changed ? answer.error : null };
}
