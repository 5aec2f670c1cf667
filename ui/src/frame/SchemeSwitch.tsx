/** Light or dark. */
import { useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { Icon } from "../parts/Icon";

export function SchemeSwitch({ className }: { className: string }) {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light", { getInitialValueInEffect: false });
  const other = scheme === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      className={className}
      onClick={() => setColorScheme(other)}
      aria-label={`Use ${other} colours`}
      title={`Use ${other} colours`}
    >
      <Icon name={scheme === "dark" ? "sun" : "moon"} size={18} />
    </button>
  );
}
