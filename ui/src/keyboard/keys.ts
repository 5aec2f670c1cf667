/** The keys of the page: single letters and "g" followed by a letter, out of the way while one types. */
import { useEffect, useSyncExternalStore } from "react";
import { remember, remembered } from "../parts/memory";

export interface Key {
  /** As in `j`, `N`, `?` or `g o`. */
  keys: string;
  /** What it does, for the list of keys. */
  does: string;
  /** Absent where the element that has the focus answers to it by itself. */
  run?: () => void;
}

const memoryKey = "keirin-single-keys";
const sequenceMilliseconds = 1200;
const groups: { title: string; keys: Key[] }[] = [];
const listeners = new Set<() => void>();
let enabled = remembered(memoryKey) !== "off";
let version = 0;
let pending = "";
let pendingTimer: ReturnType<typeof setTimeout> | undefined;

function changed(): void {
  version += 1;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Keys that work while the component is there. Later ones win over earlier ones of the same name. */
export function useKeys(title: string, keys: Key[]): void {
  useEffect(() => {
    const group = { title, keys };
    groups.push(group);
    changed();
    return () => {
      groups.splice(groups.indexOf(group), 1);
      changed();
    };
  }, [title, keys]);
}

export function useKeyGroups(): readonly { title: string; keys: Key[] }[] {
  useSyncExternalStore(subscribe, () => version);
  // Several lists of one page have the same keys.
  return groups.filter((group, index) => group.keys.length > 0 && groups.findIndex((one) => one.title === group.title) === index);
}

/** Single keys can get in the way of speech input, so they can be switched off. */
export function useKeysEnabled(): [boolean, (on: boolean) => void] {
  const on = useSyncExternalStore(subscribe, () => enabled);
  return [
    on,
    (next) => {
      enabled = next;
      remember(memoryKey, next ? "on" : "off");
      changed();
    },
  ];
}

function find(name: string): Key | undefined {
  for (const group of groups.toReversed()) {
    const key = group.keys.find((candidate) => candidate.keys === name);
    if (key) return key;
  }
  return undefined;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT") return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "submit"].includes(target.type);
}

function onKeyDown(event: KeyboardEvent): void {
  if (!enabled || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target) || event.key.length !== 1) return;
  if (document.querySelector("[role=dialog][aria-modal=true], [role=menu]") !== null && event.key !== "?") return;
  const name = pending === "" ? event.key : `${pending} ${event.key}`;
  clearTimeout(pendingTimer);
  pending = "";
  const run = find(name)?.run;
  if (run) {
    event.preventDefault();
    run();
  } else if (event.key === "g") {
    pending = "g";
    pendingTimer = setTimeout(() => {
      pending = "";
    }, sequenceMilliseconds);
  }
}

export function listenToKeys(): () => void {
  document.addEventListener("keydown", onKeyDown);
  return () => document.removeEventListener("keydown", onKeyDown);
}
