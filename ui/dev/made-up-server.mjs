// DEVELOPMENT ONLY: answers the page's questions with made-up data, so that pages can be drawn without a server.
// No test uses it. Start it with `npm run dev:made-up`, then `npm run dev` beside it; or open its own address, which
// serves ui/dist. It listens on loopback alone. MADE_UP_EMPTY=1 has no data, MADE_UP_NOBODY=1 has nobody signed in,
// MADE_UP_OWNER=another or nobody says whose the object storage is.
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { answers } from "./made-up-answers.mjs";
import { stopTicking, streams } from "./made-up-streams.mjs";

const port = Number(process.env.PORT ?? 8461);
const dist = join(dirname(fileURLToPath(import.meta.url)), "..", "dist");
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2" };

function send(response, status, body, type = "application/json") {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
  response.end(body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body));
}

function problem(response, status, title, detail, fix) {
  send(response, status, { type: "made-up", title, status, detail, fix, request_id: "made-up-1" }, "application/problem+json");
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const text = Buffer.concat(parts).toString();
  return text === "" ? {} : JSON.parse(text);
}

function file(response, path) {
  const wanted = normalize(join(dist, path));
  const found = wanted.startsWith(dist) && extname(wanted) !== "" && existsSync(wanted) ? wanted : join(dist, "index.html");
  if (!existsSync(found)) return send(response, 503, "Build the page first: npm run build", "text/plain");
  response.writeHead(200, { "content-type": types[extname(found)] ?? "application/octet-stream" });
  createReadStream(found).pipe(response);
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://127.0.0.1");
  if (!url.pathname.startsWith("/api/v1/")) return file(response, url.pathname);
  const path = url.pathname.slice("/api/v1/".length).split("/").map(decodeURIComponent);
  if (streams(path, url, request, response)) return undefined;
  try {
    const body = request.method === "GET" ? {} : await bodyOf(request);
    const answer = answers(request.method, path, url.searchParams, body);
    if (answer === undefined) return problem(response, 404, "There is no such thing", `Nothing is made up for ${url.pathname}.`, "Look at the address.");
    if (answer.problem) return problem(response, ...answer.problem);
    if (answer.text !== undefined) return send(response, 200, answer.text, "text/plain; charset=utf-8");
    return send(response, answer.nothing ? 204 : 200, answer.nothing ? undefined : answer);
  } catch (error) {
    return problem(response, 500, "The made-up server met an error", String(error.stack), "Mend dev/.");
  }
});

server.listen(port, "127.0.0.1", () => console.log(`Made-up data at http://127.0.0.1:${port}/`));
process.on("SIGTERM", () => {
  stopTicking();
  server.closeAllConnections();
  server.close();
});
