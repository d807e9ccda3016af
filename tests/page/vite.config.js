import { defineConfig } from "vite";

const bff = process.env.BFF_URL ?? "http://localhost:8080";

export default defineConfig({
  esbuild: { jsx: "automatic" },
  build: {
    target: "es2020",
    // The site's Content-Security-Policy is `default-src 'self'`: nothing inline, no data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npm run dev` beside a running bffd: the page from Vite, everything else from nginx.
  server: { proxy: { "/bff": bff, "/api": bff } },
});
