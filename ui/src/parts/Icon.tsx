/** The page's own small drawings, in the colour of the text beside them. */
import type { ReactNode } from "react";

const paths = {
  overview: <path d="M2.5 8.5a5.5 5.5 0 0 1 11 0M8 8.5l2.6-3M2 12h12" />,
  projects: <path d="M2 4.5h4.2l1.4 1.6H14v6.4H2zM2 4.5V3.2h4" />,
  queue: <path d="M2.5 4h11M2.5 8h11M2.5 12h6.5M11.5 10.5l2 1.5-2 1.5" />,
  agents: <path d="M3 3h10v4.2H3zM3 8.8h10V13H3zM5.2 5.1h.1M5.2 10.9h.1M8 5.1h3M8 10.9h3" />,
  logs: <path d="M3 2.5h10v11H3zM5.3 5.4h5.4M5.3 8h5.4M5.3 10.6h3" />,
  insights: <path d="M2.5 13.5h11M4 11V8.5M7 11V5M10 11V7M13 11V3" />,
  explore: <path d="M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM10.6 5.4 9.2 9.2l-3.8 1.4 1.4-3.8z" />,
  dashboards: <path d="M2.5 2.5h4.7v6H2.5zM8.8 2.5h4.7v3.2H8.8zM8.8 7.3h4.7v6.2H8.8zM2.5 10.1h4.7v3.4H2.5z" />,
  targets: <path d="M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 10.7a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4zM8 8h.1" />,
  pipeline: <path d="M3.4 5.4a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2zM12.6 13.8a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2zM5 3.8h5a2.1 2.1 0 0 1 0 4.2H6a2.1 2.1 0 0 0 0 4.2h5" />,
  more: <path d="M3.5 8h.1M8 8h.1M12.4 8h.1" strokeWidth={2.2} />,
  table: <path d="M2.5 3h11v10h-11zM2.5 6.3h11M2.5 9.7h11M6.2 6.3V13" />,
  upload: <path d="M8 10.3V2.6M4.8 5.4 8 2.2l3.2 3.2M2.8 13.3h10.4" />,
  tag: <path d="M2.5 2.5h5l6 6-5 5-6-6zM5.2 5.2h.1" />,
  info: <path d="M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.4v3.4M8 5.2v.1" />,
  tokens: <path d="M9.3 6.7a3.2 3.2 0 1 1-1-1zM9 6.9l4.8-4.8M11.4 4.5l1.5 1.5" transform="translate(-.4 1.3)" />,
  users: <path d="M8 7.6a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2zM3 13.6c.3-2.7 2.2-4.2 5-4.2s4.7 1.5 5 4.2" />,
  background: <path d="M2.7 7.2A5.4 5.4 0 0 1 12.8 5.4M13.2 2.4v3.2h-3.2M13.3 8.8a5.4 5.4 0 0 1-10.1 1.8M2.8 13.6v-3.2H6" />,
  storage: <path d="M8 6.4c2.9 0 5-.9 5-2s-2.1-2-5-2-5 .9-5 2 2.1 2 5 2zM3 4.4v7.2c0 1.1 2.1 2 5 2s5-.9 5-2V4.4M3 8c0 1.1 2.1 2 5 2s5-.9 5-2" />,
  audit: <path d="M3 2.5h7.2L13 5.3V13.5H3zM9.8 2.5v3.2H13M5.4 9.6l1.6 1.6 3.2-3.6" />,
  menu: <path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" />,
  fold: <path d="M2.5 3h11v10h-11zM6.2 3v10M11.2 6.4 9.6 8l1.6 1.6" />,
  unfold: <path d="M2.5 3h11v10h-11zM6.2 3v10M9.2 6.4 10.8 8 9.2 9.6" />,
  down: <path d="m4.5 6.3 3.5 3.5 3.5-3.5" />,
  right: <path d="m6.3 4.5 3.5 3.5-3.5 3.5" />,
  left: <path d="M9.7 4.5 6.2 8l3.5 3.5" />,
  up: <path d="m4.5 9.7 3.5-3.5 3.5 3.5" />,
  search: <path d="M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3l3.4 3.4" />,
  sun: <path d="M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1" />,
  moon: <path d="M13.2 9.7A5.8 5.8 0 0 1 6.3 2.8a5.8 5.8 0 1 0 6.9 6.9z" />,
  plus: <path d="M8 3v10M3 8h10" />,
  play: <path d="M4.5 2.8v10.4L13 8z" />,
  again: <path d="M13.2 8a5.2 5.2 0 1 1-1.6-3.8M13.3 2v3.2h-3.2" />,
  stop: <path d="M3.5 3.5h9v9h-9z" />,
  download: <path d="M8 2.5v7.3M4.8 7 8 10.2 11.2 7M2.8 13.3h10.4" />,
  link: <path d="M6.7 9.3a2.8 2.8 0 0 0 4 0l2-2a2.8 2.8 0 0 0-4-4l-.9.9M9.3 6.7a2.8 2.8 0 0 0-4 0l-2 2a2.8 2.8 0 0 0 4 4l.9-.9" />,
  wrap: <path d="M2.5 3.5h11M2.5 8h8.4a2.2 2.2 0 0 1 0 4.4H8M9.6 10.7 7.9 12.4l1.7 1.7M2.5 12.4h2.4" />,
  clock: <path d="M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.2 1.4" />,
  branch: <path d="M4.5 5.2v5.6M4.5 5.2a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2zM4.5 14a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2zM11.5 5.8a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2zM11.5 5.8c0 3-3.4 3-6.4 5" />,
  commit: <path d="M8 10.6a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2zM1.5 8h3.9M10.6 8h3.9" />,
  file: <path d="M4 2h5l3 3v9H4zM9 2v3h3" />,
  settings: <path d="M2.5 4.5h5M11.5 4.5h2M2.5 11.5h2M8.5 11.5h5M9.5 6.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zM6.5 13.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4z" />,
  keyboard: <path d="M1.8 4h12.4v8H1.8zM4.3 6.6h.1M6.8 6.6h.1M9.3 6.6h.1M11.7 6.6h.1M5 9.6h6" />,
  copy: <path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" />,
  cross: <path d="m4 4 8 8M12 4l-8 8" />,
  check: <path d="m3.5 8.4 3 3 6-6.8" />,
  pin: <path d="M5.6 2.3h4.8l-.7 4 2 2.4H4.3l2-2.4zM8 8.9v4.8" />,
  warning: <path d="M8 2.2 14.3 13.3H1.7zM8 6.5v3.2M8 11.5v.1" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      style={{ flex: "none", display: "block" }}
    >
      {paths[name]}
    </svg>
  );
}
