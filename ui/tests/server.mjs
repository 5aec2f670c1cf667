// The server that the browser tests talk to: one that is named by KEIRIN_TEST_URL and KEIRIN_TEST_LINK, else one that
// is started from KEIRIN_BINARY with a data folder of its own, which is gone afterwards.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const startMilliseconds = 120_000;
const stopMilliseconds = 20_000;

/** `{ url, link, stop }`, or undefined where there is nothing to start. */
export async function findServer() {
  const { KEIRIN_TEST_URL: url, KEIRIN_TEST_LINK: link, KEIRIN_BINARY: binary } = process.env;
  if (url && link) return { url: withSlash(url), link, stop: async () => undefined };
  if (!binary) return undefined;
  return start(binary);
}

async function start(binary) {
  const folder = await mkdtemp(join(tmpdir(), "keirin-page-"));
  const child = spawn(binary, ["serve", "--listen", "127.0.0.1:0", "--data-dir", join(folder, "data")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = [];
  const found = {};
  const ready = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`The server was not ready within ${startMilliseconds / 1000} s.`)), startMilliseconds);
    const listen = (line) => {
      said.push(line);
      found.url ??= /Keirin is ready: (\S+)/.exec(line)?.[1];
      found.link ??= /https?:\/\/\S*\/sign-in\/\S+/.exec(line)?.[0];
      if (found.url && found.link) {
        clearTimeout(timer);
        resolve();
      }
    };
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", listen);
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`The server ended with exit code ${code} before it was ready.`));
    });
  });
  const stop = async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode === null && child.kill("SIGTERM")) {
      const timer = setTimeout(() => child.kill("SIGKILL"), stopMilliseconds);
      await ended;
      clearTimeout(timer);
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready;
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n${said.slice(-30).join("\n")}`, { cause: error });
  }
  return { url: withSlash(found.url), link: found.link, stop };
}

function withSlash(url) {
  return url.endsWith("/") ? url : `${url}/`;
}
