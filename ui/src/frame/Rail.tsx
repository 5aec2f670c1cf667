/** The rail: the places of the page in groups, settings at the foot. */
import { Link, useLocation } from "@tanstack/react-router";
import { useMay } from "../api/me";
import { Icon, type IconName } from "../parts/Icon";
import css from "./Rail.module.css";

interface Place {
  to: string;
  label: string;
  icon: IconName;
  /** Where else what belongs to the place is shown. */
  also?: string[];
  /** Only the page itself is the place, not what lies below it. */
  exact?: boolean;
}

const work: Place[] = [
  { to: "/", label: "Overview", icon: "overview", exact: true },
  { to: "/projects", label: "Projects", icon: "projects", also: ["/flows/", "/runs/", "/jobs/"] },
  { to: "/queue", label: "Queue", icon: "queue" },
  { to: "/agents", label: "Agents", icon: "agents" },
  { to: "/logs", label: "Logs", icon: "logs" },
];

const data: Place[] = [
  { to: "/insights", label: "Insights", icon: "insights" },
  { to: "/explore", label: "Explore", icon: "explore" },
  { to: "/dashboards", label: "Dashboards", icon: "dashboards" },
  { to: "/targets", label: "Targets", icon: "targets" },
  { to: "/data", label: "Data pipeline", icon: "pipeline" },
];

const settings: Place[] = [{ to: "/settings/tokens", label: "Tokens", icon: "tokens" }];

/** Only who administers the server has something to do there. */
const settingsOfAdmins: Place[] = [
  ...settings,
  { to: "/settings/users", label: "Users", icon: "users" },
  { to: "/settings/background-jobs", label: "Background jobs", icon: "background" },
  { to: "/settings/storage", label: "Storage", icon: "storage" },
  { to: "/settings/audit-log", label: "Audit log", icon: "audit" },
];

interface RailProps {
  folded: boolean;
  /** Absent where the rail is a drawer, which does not fold. */
  onFold?: () => void;
  /** After a place was chosen. */
  onGo?: () => void;
}

export function Rail({ folded, onFold, onGo }: RailProps) {
  const isAdmin = useMay("admin");
  return (
    <nav className={css.rail} data-folded={folded} aria-label="Places">
      <Link to="/" className={css.brand} aria-label="Keirin: overview" {...(onGo ? { onClick: onGo } : {})}>
        <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" fill="#0f6b78" />
          <path d="M6 20a10 6.5 0 0 1 20 0" fill="none" stroke="#9fdde6" strokeWidth="2.5" strokeLinecap="round" />
          <path d="M11 20a5 3 0 0 1 10 0" fill="none" stroke="#fff" strokeWidth="2.5" strokeLinecap="round" />
          <circle cx="24" cy="13" r="3" fill="#fff" />
        </svg>
        {folded ? null : <span>Keirin</span>}
      </Link>
      <Group title="Work" places={work} folded={folded} onGo={onGo} />
      <Group title="Data" places={data} folded={folded} onGo={onGo} />
      <div className={css.foot}>
        <Group title="Settings" places={isAdmin ? settingsOfAdmins : settings} folded={folded} onGo={onGo} />
        {onFold ? (
          <button type="button" className={css.place} onClick={onFold} aria-label={folded ? "Unfold the rail" : "Fold the rail"}>
            <Icon name={folded ? "unfold" : "fold"} size={18} />
            {folded ? null : <span>Fold</span>}
          </button>
        ) : null}
      </div>
    </nav>
  );
}

interface GroupProps {
  title: string;
  places: Place[];
  folded: boolean;
  onGo: (() => void) | undefined;
}

function Group({ title, places, folded, onGo }: GroupProps) {
  const { pathname } = useLocation();
  return (
    <div className={css.group}>
      <div className={folded ? "unseen" : css.groupTitle}>{title}</div>
      {places.map((place) => (
        <Link
          key={place.to}
          to={place.to}
          className={css.place}
          activeOptions={{ exact: place.exact ?? false }}
          title={folded ? place.label : undefined}
          data-here={place.also?.some((start) => pathname.startsWith(start))}
          {...(onGo ? { onClick: onGo } : {})}
        >
          <Icon name={place.icon} size={18} />
          <span className={folded ? "unseen" : undefined}>{place.label}</span>
        </Link>
      ))}
    </div>
  );
}
