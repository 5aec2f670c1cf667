/** Where the page begins. */
import "./design/layers.css";
import "./design/fonts.css";
import "./design/mantine.css";
import "./design/tokens.css";
import "./design/global.css";
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./api/queries";
import { theme, variables } from "./design/theme";
import { schemeManager } from "./frame/scheme";
import { listenToKeys } from "./keyboard/keys";
import { ConfirmDialog } from "./parts/confirm";
import { Notices } from "./parts/notices";
import { reloadAfterUpdate } from "./reloadAfterUpdate";
import { router } from "./router";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element with the id root");

reloadAfterUpdate();
listenToKeys();
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} colorSchemeManager={schemeManager} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
        <ConfirmDialog />
        <Notices />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
