/** "2 h ago", with the absolute time on hover. */
import { useNow } from "./clock";
import { absolute, useTimeZone } from "./timezone";
import { agoInWords } from "./words";

export function RelativeTime({ time, none = "–" }: { time: string | null | undefined; none?: string }) {
  const zone = useTimeZone();
  const now = useNow(time != null);
  if (time == null) return <span>{none}</span>;
  return (
    <time dateTime={time} title={absolute(time, zone)} className="figures" style={{ whiteSpace: "nowrap" }}>
      {agoInWords((now - Date.parse(time)) / 1000)}
    </time>
  );
}
