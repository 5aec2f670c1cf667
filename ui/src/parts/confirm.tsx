/** What takes something away asks first: one dialog for the whole page, which says what will be gone. */
import { Button, Modal, TextInput } from "@mantine/core";
import { type ReactNode, useState, useSyncExternalStore } from "react";
import css from "./Form.module.css";

export interface Confirmation {
  /** As a question: "Revoke this token?" */
  title: string;
  /** What is gone afterwards, and what brings it back. */
  text: ReactNode;
  /** A verb and its object: the button that does it. */
  action: string;
  /** Has to be typed first, where a slip would cost much. */
  typed?: string;
  onConfirm: () => void;
}

const listeners = new Set<() => void>();
let asked: Confirmation | null = null;
let opened = false;
let version = 0;

function changed(): void {
  version += 1;
  for (const listener of listeners) listener();
}

/** Does it once the person has said yes. */
export function confirmFirst(confirmation: Confirmation): void {
  asked = confirmation;
  opened = true;
  changed();
}

function close(): void {
  opened = false;
  changed();
}

/** Where it is asked; stands once, around everything. */
export function ConfirmDialog() {
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => version,
  );
  return (
    <Modal opened={opened} onClose={close} title={asked?.title} keepMounted={false}>
      {asked === null ? null : <Answer {...asked} />}
    </Modal>
  );
}

/** The focus is where nothing happens, so that a key that is pressed once too often does nothing. */
function Answer({ text, action, typed, onConfirm }: Confirmation) {
  const [written, setWritten] = useState("");
  const ready = typed === undefined || written === typed;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!ready) return;
        close();
        onConfirm();
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
      <div className={css.answers}>
        <Button variant="default" onClick={() => close()} {...(typed === undefined ? { "data-autofocus": true } : {})}>
          Leave as it is
        </Button>
        <Button type="submit" color="red" disabled={!ready}>
          {action}
        </Button>
      </div>
    </form>
  );
}
