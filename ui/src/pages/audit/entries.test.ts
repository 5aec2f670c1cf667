import { expect, test } from "vitest";
import type { AuditEntry } from "../../api/types";
import { detailsOf, whoOf } from "./entries";

const entry: AuditEntry = {
  id: "7",
  at: "2026-01-31T12:00:00Z",
  by: { kind: "person", id: "1", name: "eva" },
  address: "192.0.2.1",
  operation: "users_change",
  summary: "Change a user",
  project: null,
  details: { name: "otto", revoke_tokens: "true" },
  outcome: "made",
  status: 200,
  request: "00f0",
};

test("a person is named, and a token is told from its owner", () => {
  expect(whoOf(entry)).toEqual({ name: "eva", note: null });
  expect(whoOf({ ...entry, by: { kind: "token", id: "3", name: "eva" } })).toEqual({ name: "eva", note: "by token 3" });
  expect(whoOf({ ...entry, by: { kind: "agent", id: "4", name: null } })).toEqual({ name: "Agent 4", note: "agent" });
  expect(whoOf({ ...entry, by: { kind: null, id: null, name: null } })).toEqual({ name: "Nobody known", note: null });
});

test("what it was about is words", () => {
  expect(detailsOf(entry)).toEqual(["name otto", "revoke tokens true"]);
});
