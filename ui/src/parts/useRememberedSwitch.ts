/** A switch that stays as it was at the next visit. */
import { useState } from "react";
import { remember, remembered } from "./memory";

export function useRememberedSwitch(key: string): [boolean, (on: boolean) => void] {
  const [on, setOn] = useState(() => remembered(key) === "on");
  return [
    on,
    (next) => {
      remember(key, next ? "on" : "off");
      setOn(next);
    },
  ];
}
