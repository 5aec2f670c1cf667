/** Says how much has come since one stopped following, and takes one back. */
import { useEffect, useRef, useState } from "react";
import { Icon } from "../parts/Icon";
import { counted, figure } from "../parts/words";
import css from "./LogView.module.css";

interface FollowPillProps {
  total: number;
  following: boolean;
  onFollow: () => void;
  onPause: () => void;
}

export function FollowPill({ total, following, onFollow, onPause }: FollowPillProps) {
  const [pausedAt, setPausedAt] = useState(total);
  const latest = useRef({ total, onPause });
  latest.current = { total, onPause };
  useEffect(() => {
    if (following) return;
    setPausedAt(latest.current.total);
    latest.current.onPause();
  }, [following]);
  if (following) return null;
  const news = total - pausedAt;
  return (
    <button type="button" className={css.pill} onClick={onFollow}>
      <Icon name="down" size={14} />
      {news > 0 ? `Follow: ${counted(news, "new line")}` : `Follow from line ${figure(total)}`}
    </button>
  );
}
