// How much the first screen fetches before it is there.
import { gzipSync } from "node:zlib";
import { check, must } from "./check.mjs";

const mostBytes = 250_000;

export function checkFirstScreen({ context, at }) {
  check("the first screen needs at most 250 kB of script, compressed", async () => {
    const page = await context.newPage();
    let bytes = 0;
    const counting = [];
    page.on("response", (response) => {
      if (response.request().resourceType() !== "script") return;
      counting.push(
        response.body().then((body) => {
          bytes += gzipSync(body).length;
        }),
      );
    });
    await page.goto(at(""), { waitUntil: "networkidle" }).catch(() => undefined);
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await Promise.all(counting);
    must(bytes > 0, "no script was fetched");
    must(bytes <= mostBytes, `it needs ${bytes} bytes`);
    await page.close();
  });

  check("everything comes from this server", async () => {
    const page = await context.newPage();
    const strangers = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(at("")) && !request.url().startsWith("data:")) strangers.push(request.url());
    });
    await page.goto(at(""));
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    must(strangers.length === 0, strangers.join("\n"));
    await page.close();
  });
}
