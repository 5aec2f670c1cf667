/** What a repository asks for: a password or token, or an SSH key. */
import { PasswordInput, SegmentedControl, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Credential } from "../../api/types";
import { FieldRow } from "../../parts/Form";

export interface CredentialDraft {
  kind: "basic" | "ssh_key";
  username: string;
  password: string;
  privateKey: string;
  knownHosts: string;
}

const nothing: CredentialDraft = { kind: "basic", username: "", password: "", privateKey: "", knownHosts: "" };

export function useCredentialDraft() {
  const [draft, setDraft] = useState(nothing);
  return { draft, setDraft, clear: () => setDraft({ ...nothing, kind: draft.kind }) };
}

/** What was written, or null where nothing was. */
export function credentialOf(draft: CredentialDraft): Credential | null {
  if (draft.kind === "basic") {
    if (draft.password === "") return null;
    // Forges that take a token take any name with it, but not none.
    return { username: draft.username || "git", password: draft.password };
  }
  if (draft.privateKey.trim() === "") return null;
  return { private_key: draft.privateKey, known_hosts: draft.knownHosts || null };
}

interface CredentialFieldsProps {
  draft: CredentialDraft;
  onChange: (draft: CredentialDraft) => void;
}

export function CredentialFields({ draft, onChange }: CredentialFieldsProps) {
  return (
    <>
      <SegmentedControl
        size="xs"
        style={{ alignSelf: "flex-start" }}
        aria-label="Kind of credential"
        data={[
          { value: "basic", label: "Password or token" },
          { value: "ssh_key", label: "SSH key" },
        ]}
        value={draft.kind}
        onChange={(kind) => onChange({ ...draft, kind: kind === "ssh_key" ? "ssh_key" : "basic" })}
      />
      {draft.kind === "basic" ? (
        <FieldRow>
          <TextInput
            label="User name for git"
            description="Many forges take any with a token."
            placeholder="git"
            autoComplete="off"
            value={draft.username}
            onChange={(event) => onChange({ ...draft, username: event.currentTarget.value })}
          />
          <PasswordInput
            label="Password or token"
            description="Stored encrypted, never shown again."
            autoComplete="new-password"
            value={draft.password}
            onChange={(event) => onChange({ ...draft, password: event.currentTarget.value })}
          />
        </FieldRow>
      ) : (
        <>
          <Textarea
            label="Private key"
            description="Stored encrypted, never shown again. Without a passphrase."
            autosize
            minRows={3}
            maxRows={8}
            spellCheck={false}
            styles={{ input: { fontFamily: "var(--font-code)" } }}
            value={draft.privateKey}
            onChange={(event) => onChange({ ...draft, privateKey: event.currentTarget.value })}
          />
          <Textarea
            label="Known hosts"
            description="Lines as in a known_hosts file, so that the key is shown to the right server alone."
            autosize
            minRows={2}
            maxRows={6}
            spellCheck={false}
            styles={{ input: { fontFamily: "var(--font-code)" } }}
            value={draft.knownHosts}
            onChange={(event) => onChange({ ...draft, knownHosts: event.currentTarget.value })}
          />
        </>
      )}
    </>
  );
}
