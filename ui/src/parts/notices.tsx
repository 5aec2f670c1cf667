/** Short notices at the foot of the page: what was done, and what could not be done with what to do about it. */
import { useSyncExternalStore } from "react";
import { problemOf } from "../api/problem";
import { Icon } from "./Icon";
import { Sentence } from "./Sentence";
import css from "./notices.module.css";

interface Notice {
  id: number;
  title: string;
  detail: string | null;
  bad: boolean;
}

const listeners = new Set<() => void>();
let notices: readonly Notice[] = [];
let lastId = 0;

function set(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

function add(notice: Omit<Notice, "id">, milliseconds: number): void {
  lastId += 1;
  const id = lastId;
  set([...notices.slice(-3), { id, ...notice }]);
  setTimeout(() => dismiss(id), milliseconds);
}

function dismiss(id: number): void {
  set(notices.filter((notice) => notice.id !== id));
}

/** Something was done. */
export function say(title: string): void {
  add({ title, detail: null, bad: false }, 4000);
}

/** Something could not be done. */
export function notify(error: unknown): void {
  const problem = problemOf(error);
  const detail = [problem.detail, problem.fix].filter((text) => text != null && text !== "").join(" ");
  add({ title: problem.title, detail: detail === "" ? null : detail, bad: true }, 15_000);
}

export function Notices() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notices,
  );
  return (
    <div className={css.notices} role="status" aria-live="polite">
      {shown.map((notice) => (
        <div key={notice.id} className={css.notice} data-bad={notice.bad}>
          <Icon name={notice.bad ? "warning" : "check"} />
          <div className={css.text}>
            <div className={css.title}>{notice.title}</div>
            {notice.detail === null ? null : <div className={css.detail}>
                <Sentence text={notice.detail} />
              </div>}
          </div>
          <button type="button" aria-label="Dismiss" onClick={() => dismiss(notice.id)}>
            <Icon name="cross" size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}
