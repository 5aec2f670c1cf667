/** What the server remarks about an answer that it gave all the same. */
import { Icon } from "../../parts/Icon";
import css from "./ExplorePage.module.css";

export function Remarks({ warnings, infos }: { warnings: readonly string[]; infos: readonly string[] }) {
  if (warnings.length + infos.length === 0) return null;
  const each = (texts: readonly string[], kind: "warning" | "info") =>
    [...new Set(texts)].map((text) => (
      <li key={text} data-kind={kind}>
        <Icon name={kind === "warning" ? "warning" : "file"} size={14} />
        <span>
          <strong>{kind === "warning" ? "Warning" : "Note"}:</strong> {text}
        </span>
      </li>
    ));
  return (
    <ul className={css.remarks} role="status">
      {each(warnings, "warning")}
      {each(infos, "info")}
    </ul>
  );
}
