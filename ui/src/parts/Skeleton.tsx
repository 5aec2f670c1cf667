/** Grey shapes where content is about to come, in its size, so that nothing jumps when it does. */
import css from "./Skeleton.module.css";

export function SkeletonLines({ lines = 3, height = 20 }: { lines?: number; height?: number }) {
  return (
    <div className={css.lines} aria-busy="true">
      <span className="unseen">Loading</span>
      {widths.slice(0, lines).map((width) => (
        <div key={width} className={css.line} style={{ width: `${width}%`, height: height - 8 }} />
      ))}
    </div>
  );
}

/** A table that is about to come. */
export function SkeletonRows({ rows = 6 }: { rows?: number }) {
  return (
    <div className={css.rows} aria-busy="true">
      <span className="unseen">Loading</span>
      {widths.slice(0, rows).map((width) => (
        <div key={width} className={css.row}>
          <div className={css.dot} />
          <div className={css.line} style={{ width: `${width * 0.5}%` }} />
          <div className={css.line} style={{ width: "12%", marginLeft: "auto" }} />
        </div>
      ))}
    </div>
  );
}

const widths = [62, 48, 71, 39, 55, 66, 43, 58, 35, 69];
