/** Where Mantine keeps the colour scheme: in the place that public/scheme.js reads before the first paint. */
import type { MantineColorScheme, MantineColorSchemeManager } from "@mantine/core";
import { remember, remembered } from "../parts/memory";

const key = "keirin-colour-scheme";

function isScheme(value: string | null): value is MantineColorScheme {
  return value === "light" || value === "dark" || value === "auto";
}

export const schemeManager: MantineColorSchemeManager = {
  get(otherwise) {
    const value = remembered(key);
    return isScheme(value) ? value : otherwise;
  },
  set: (value) => remember(key, value),
  subscribe: () => undefined,
  unsubscribe: () => undefined,
  clear: () => remember(key, "auto"),
};
