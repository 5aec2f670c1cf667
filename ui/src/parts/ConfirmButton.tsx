/** A button for what cannot be undone: it asks first, and says what will be gone. */
import { Button, type ButtonProps, Modal, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type ReactNode, useState } from "react";

interface ConfirmButtonProps extends ButtonProps {
  children: ReactNode;
  title: string;
  text: ReactNode;
  /** A verb and its object. */
  confirm: string;
  /** Has to be typed first, where a slip would cost much. */
  typed?: string;
  onConfirm: () => void;
}

export function ConfirmButton({ children, title, text, confirm, typed, onConfirm, ...button }: ConfirmButtonProps) {
  const [opened, { open, close }] = useDisclosure(false);
  const [written, setWritten] = useState("");
  const ready = typed === undefined || written === typed;

  function finish(): void {
    close();
    setWritten("");
    onConfirm();
  }

  return (
    <>
      <Button variant="default" {...button} onClick={open}>
        {children}
      </Button>
      <Modal opened={opened} onClose={close} title={title}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (ready) finish();
          }}
        >
          <div>{text}</div>
          {typed === undefined ? null : (
            <TextInput
              mt="md"
              label={`Type ${typed} to confirm`}
              value={written}
              onChange={(event) => setWritten(event.currentTarget.value)}
              data-autofocus
            />
          )}
          <div style={{ display: "flex", justifyContent: "flex-end", gap: 8, marginTop: 20 }}>
            <Button variant="default" onClick={close}>
              Keep it
            </Button>
            <Button type="submit" color="red" disabled={!ready}>
              {confirm}
            </Button>
          </div>
        </form>
      </Modal>
    </>
  );
}
