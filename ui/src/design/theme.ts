/** How Mantine's components take their looks from tokens.css, so that both speak one language. */
import {
  ActionIcon,
  Button,
  Checkbox,
  type CSSVariablesResolver,
  createTheme,
  Menu,
  Modal,
  type MantineColorsTuple,
  NativeSelect,
  NumberInput,
  PasswordInput,
  Switch,
  Textarea,
  TextInput,
} from "@mantine/core";

const accent: MantineColorsTuple = [
  "#e4f1f3",
  "#c9e4e8",
  "#9fdde6",
  "#8cd8e2",
  "#63c7d4",
  "#2f95a3",
  "#0f6b78",
  "#0b5560",
  "#08434c",
  "#06272c",
];

/** Mantine draws its dark surfaces from these: the greys of tokens.css. */
const dark: MantineColorsTuple = [
  "#e4e7eb",
  "#c3c9d1",
  "#9ca6b2",
  "#8b95a1",
  "#6c7683",
  "#20252b",
  "#1c2025",
  "#15181c",
  "#101317",
  "#0b0d10",
];

const small = { defaultProps: { size: "xs" } };

export const theme = createTheme({
  colors: { accent, dark },
  primaryColor: "accent",
  primaryShade: { light: 6, dark: 4 },
  autoContrast: true,
  fontFamily: "var(--font-text)",
  fontFamilyMonospace: "var(--font-code)",
  defaultRadius: "var(--radius)",
  fontSizes: { xs: "13px", sm: "14px", md: "14px", lg: "16px", xl: "20px" },
  cursorType: "pointer",
  focusRing: "auto",
  components: {
    Button: Button.extend({
      defaultProps: { size: "xs" },
      // The accent is dark on a light page and light on a dark one, and so is what stands on it.
      vars: (_theme, { variant = "filled", color }) => ({
        root: {
          // As large in tables as anywhere else.
          "--button-fz": "var(--table-size)",
          ...(variant === "filled" && color === undefined ? { "--button-color": "var(--on-accent)" } : {}),
        },
      }),
    }),
    ActionIcon: ActionIcon.extend({ defaultProps: { variant: "subtle", color: "gray", size: 28 } }),
    TextInput: TextInput.extend(small),
    PasswordInput: PasswordInput.extend(small),
    NumberInput: NumberInput.extend(small),
    Textarea: Textarea.extend(small),
    NativeSelect: NativeSelect.extend(small),
    Checkbox: Checkbox.extend(small),
    Switch: Switch.extend(small),
    Menu: Menu.extend({
      // A menu holds entries alone: its first one takes the focus, and no placeholder does.
      defaultProps: { shadow: "md", withInitialFocusPlaceholder: false, transitionProps: { duration: 90 }, position: "bottom-start" },
    }),
    Modal: Modal.extend({
      defaultProps: { centered: true, closeButtonProps: { "aria-label": "Close" }, transitionProps: { duration: 90 }, overlayProps: { backgroundOpacity: 0.4 } },
    }),
  },
});

const shared = {
  "--mantine-color-body": "var(--surface)",
  "--mantine-color-text": "var(--text)",
  "--mantine-color-dimmed": "var(--text-dim)",
  "--mantine-color-placeholder": "var(--text-dim)",
  "--mantine-color-anchor": "var(--accent)",
  "--mantine-color-default": "var(--surface)",
  "--mantine-color-default-hover": "var(--surface-hover)",
  "--mantine-color-default-color": "var(--text)",
  "--mantine-color-default-border": "var(--line-control)",
  "--mantine-color-error": "var(--state-failed)",
  "--mantine-color-gray-light-color": "var(--text)",
  "--mantine-color-gray-light-hover": "var(--surface-hover)",
  "--mantine-color-accent-filled": "var(--accent)",
  "--mantine-color-accent-filled-hover": "var(--accent-strong)",
  "--mantine-color-accent-light": "var(--surface-chosen)",
  "--mantine-color-accent-light-color": "var(--accent)",
  "--mantine-primary-color-contrast": "var(--on-accent)",
  "--mantine-color-red-filled": "var(--danger)",
  "--mantine-color-red-filled-hover": "var(--danger-strong)",
  "--mantine-color-red-outline": "var(--state-failed)",
  "--mantine-color-red-outline-hover": "var(--surface-hover)",
  "--mantine-color-disabled-color": "var(--text-dim)",
  "--mantine-color-disabled": "var(--surface-hover)",
  "--mantine-color-disabled-border": "var(--line)",
  "--mantine-shadow-md": "var(--shadow)",
  "--mantine-shadow-xl": "var(--shadow)",
};

export const variables: CSSVariablesResolver = () => ({ variables: {}, light: shared, dark: shared });
