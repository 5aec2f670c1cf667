/** Lets a new agent in: makes a join token and shows the command that uses it. */
import { Button, Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { createToken } from "../../api/actions";
import { queryClient, tokensQuery } from "../../api/queries";
import { copyText } from "../../parts/copy";
import { Icon } from "../../parts/Icon";
import { ProblemPanel } from "../../parts/ProblemPanel";
import { RelativeTime } from "../../parts/RelativeTime";
import css from "./AgentsPage.module.css";

export function JoinButton() {
  const [opened, { open, close }] = useDisclosure(false);
  const create = useMutation({
    mutationFn: () => createToken({ kind: "join", uses: 1 }),
    onSuccess: () => queryClient.invalidateQueries(tokensQuery),
  });
  const server = new URL(".", document.baseURI).href.replace(/\/$/, "");
  const command = create.data ? `keirin agent start --server ${server} --join-token ${create.data.token}` : "";
  return (
    <>
      <Button
        leftSection={<Icon name="plus" />}
        onClick={() => {
          create.mutate();
          open();
        }}
      >
        Add agent
      </Button>
      <Modal opened={opened} onClose={close} title="Add an agent" size="lg">
        {create.error ? <ProblemPanel error={create.error} onRetry={() => create.mutate()} /> : null}
        {create.data ? (
          <>
            <p>
              Type this on the machine that is to run jobs. The token lets one agent in and is shown this once. It ends{" "}
              <RelativeTime time={create.data.expires_at} none="when it is revoked" />.
            </p>
            <code className={css.command}>{command}</code>
            <Button mt="md" leftSection={<Icon name="copy" />} onClick={() => void copyText(command, "The command")}>
              Copy command
            </Button>
          </>
        ) : null}
      </Modal>
    </>
  );
}
