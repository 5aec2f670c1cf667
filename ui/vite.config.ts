import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Where `npm run dev` finds a server: a real one, or the one with made-up data in dev/.
const server = process.env.KEIRIN_URL ?? "http://127.0.0.1:8461";
const forwarded = ["/api", "/sign-in/", "/healthz", "/readyz", "/badges", "/prometheus"];

export default defineConfig({
  // Relative, so that the page also works below a sub-path; index.html's <base> says which.
  base: "./",
  plugins: [react()],
  build: { target: "es2022", chunkSizeWarningLimit: 700, assetsInlineLimit: 0 },
  server: {
    host: "127.0.0.1",
    port: 5173,
    proxy: Object.fromEntries(forwarded.map((path) => [path, { target: server, changeOrigin: false }])),
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
