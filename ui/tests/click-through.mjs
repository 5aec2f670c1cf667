// Goes through the page as somebody who clicks on everything: from the overview along every kind of link, and on every
// kind of page through every control and back. What holds at each step stands in `look` and `askedFirst`.
import { check, must } from "./check.mjs";

/** Every kind of page; each has to be reached by clicking. Those without a frame are not: nobody is signed in there. */
const kinds = [
  "/", "/projects", "/projects/new", "/projects/:project", "/projects/:project/settings", "/projects/:project/start",
  "/projects/:project/branches/:branch", "/projects/:project/branches/:branch/workflow", "/flows/:id", "/runs/:id", "/jobs/:id",
  "/queue", "/agents", "/logs", "/insights", "/insights/repository", "/insights/contributors", "/insights/flow-health", "/insights/dora",
  "/explore", "/dashboards", "/dashboards/:uid", "/targets", "/data", "/facts", "/settings/tokens", "/settings/users", "/settings/password",
  "/settings/background-jobs", "/settings/storage", "/settings/audit-log",
];

/**
 * What acts at once when it is pressed: it starts, adds or gives back, and takes nothing away. Pressing them belongs to
 * the stories; here each other control must change nothing on the server without asking first.
 */
const actsAtOnce = [
  "Start flow", "Start stage", "Rerun all jobs", "Rerun jobs that did not succeed", "Create project", "Save project", "Add agent",
  "Save a copy", "Make sign-in link", "Let in again", "Enable agent", "Authorise agent", "Sign out",
  "Run now", "Retry", "Pin", "Unpin", "Save retention",
];
/** Requests that ask and change nothing, although they carry a body. */
const onlyAsks = /\/api\/v1\/(workflows|dashboards)\/check$/;

const entries = "[role=menu] [role=menuitem]:not([disabled]):not([data-disabled])";
/** Controls that are used and taken back by themselves: then the address is what it was. */
const undoes = ["sort", "filter", "text", "select", "check", "radio", "disclosure"];
const patience = 20_000;
/** Of what is alike, and of the options of one choice, so many are tried. */
const mostAlike = 2;
const mostOptions = 2;

export function checkClickThrough({ browser, context, at, project }) {
  check("every control of every page is clicked, and back", async () => {
    const own = await browser.newContext({ storageState: await context.storageState(), viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
    own.setDefaultTimeout(patience);
    await own.grantPermissions(["clipboard-read", "clipboard-write"]);
    const page = await own.newPage();
    await page.goto(at(""));
    await page.evaluate(populate, { api: at("api/v1/"), project });
    const walk = new Walk(page, at, project);
    await walk.all();
    await own.close();
    console.log(`    ${walk.clicks} clicks on ${walk.done.size} kinds of pages`);
    must(walk.faults.size === 0, [...walk.faults].join("\n"));
    const missed = kinds.filter((kind) => !walk.done.has(kind));
    must(missed.length === 0, `no click leads to ${missed.join(", ")}`);
  });
}

/** In the page: what some controls are there for: another user with a role, a token, a credential. */
async function populate({ api, project }) {
  const send = async (method, path, body) => {
    const request = { method, body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const response = await fetch(api + path, request);
    if (!response.ok) throw new Error(`${response.status} for ${path}: ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  };
  const { id } = await send("POST", "users", { name: "stoker", role: "viewer" });
  await send("PUT", `projects/${project}/members/${id}`, { role: "developer" });
  await send("PUT", `projects/${project}/credential`, { username: "stoker", password: "none is needed" });
  await send("POST", "tokens", { kind: "api", name: "for the walk", role: "viewer", expires_in_seconds: 3600 });
}

export class Walk {
  faults = new Set();
  done = new Set();
  clicks = 0;
  /** What is being done, for whatever goes wrong meanwhile. */
  doing = "the first page loads";
  /** Kinds of links that have been followed, and those that were also followed back and forward. */
  followed = new Set();
  forward = new Set();
  /** How many of the controls that are alike have been used. */
  used = new Map();
  /** Sets of search parameters with which a page has been loaded anew. */
  reloaded = new Set();
  waiting = [""];
  /** Those whose answer has not come yet. */
  requests = new Set();

  constructor(page, at, project) {
    this.page = page;
    this.at = at;
    this.project = project;
    page.on("pageerror", (error) => this.fault(`an error of the page: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") this.fault(`on the console: ${message.text()} ${message.location().url}`);
    });
    page.on("request", (request) => {
      // What follows a log or the events goes on for ever.
      if (request.resourceType() !== "eventsource" && !/\/(events|stream)\b/.test(request.url())) this.requests.add(request);
    });
    for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => this.requests.delete(request));
    page.on("framenavigated", () => this.requests.clear());
    page.on("response", (response) => {
      if (response.status() >= 400) this.fault(`${response.status()} for ${response.url()}`);
    });
  }

  fault(what) {
    this.faults.add(`${this.doing}: ${what}`);
  }

  async all() {
    await this.page.route("**/api/**", (route) => {
      const request = route.request();
      if (request.method() === "GET" || onlyAsks.test(request.url())) return route.continue();
      this.fault(`changes the server without asking: ${request.method()} ${new URL(request.url()).pathname}`);
      return route.abort();
    });
    while (this.waiting.length > 0) {
      const path = this.waiting.shift();
      const kind = this.kindOf(this.at(path));
      if (this.done.has(kind)) continue;
      this.done.add(kind);
      const start = Date.now();
      const before = this.clicks;
      await this.everythingOn(kind, path);
      if (process.env.KEIRIN_TEST_VERBOSE) console.log(`    ${kind}: ${this.clicks - before} clicks, ${((Date.now() - start) / 1000).toFixed(1)} s`);
    }
  }

  /** `/flows/:id` for `/flows/7`: pages that differ only in what they are about are of one kind. */
  kindOf(address) {
    const root = new URL(this.at("")).pathname;
    const parts = new URL(address).pathname.slice(root.length).split("/");
    const named = parts.map((part, index) => {
      const before = parts[index - 1];
      if (before === "projects" && part !== "new") return ":project";
      if (before === "branches") return ":branch";
      if (before === "dashboards") return ":uid";
      return /^\d+$/.test(part) ? ":id" : part;
    });
    return `/${named.join("/")}`;
  }

  /** What two links have in common that lead to the same kind of view. */
  shapeOf(address) {
    const { searchParams, hash } = new URL(address);
    const names = [...searchParams.keys()].map((name) => (name === "tab" || name === "edit" ? `${name}=${searchParams.get(name)}` : name.replace(/[-.].*/, "")));
    return `${this.kindOf(address)}?${[...new Set(names)].toSorted().join("&")}${hash === "" ? "" : "#"}`;
  }

  async everythingOn(kind, path) {
    this.doing = `${kind} loads`;
    const { page } = this;
    await page.goto(this.at(path));
    const home = { kind, url: page.url(), outline: await this.look() };
    await this.rowKeys(home);
    await this.tabs(home);
    const controls = await this.controls(home, { "/": "body", "/flows/:id": "body > #root header, main" }[kind] ?? "main");
    for (const control of controls) {
      this.doing = `${kind}: ${control.what}`;
      try {
        await this.use(control, home);
        await this.comeHome(home, control);
      } catch (error) {
        this.fault(error.message.split("\n").slice(0, 12).join(" "));
        await page.goto(home.url);
        await this.look();
      }
    }
  }

  /** Waits until nothing loads any more, and gives what the page shows in few words; what may never be is a fault. */
  async look(wanted = []) {
    const { page } = this;
    const end = Date.now() + patience;
    let before;
    for (;;) {
      const { loaded, outline, empty, layers } = await page.evaluate(outlineOfPage);
      const ready = loaded && this.requests.size === 0;
      const lost = wanted.filter((line) => !outline.includes(line));
      const now = `${page.url()} ${layers} ${outline.join()}`;
      const still = now === before;
      before = now;
      if (still && ready && !empty && lost.length === 0) {
        if (/undefined|null|NaN|\[object/.test(decodeURIComponent(page.url()))) this.fault(`the address is ${page.url()}`);
        return outline;
      }
      if (Date.now() > end) {
        if (!ready) this.fault(`something is still loading at ${page.url()}`);
        if (empty) this.fault(`the page is empty below its title at ${page.url()}`);
        if (lost.length > 0) this.fault(`at ${page.url()} this is gone: ${lost.slice(0, 4).join(", ")}`);
        return outline;
      }
      await page.evaluate(() => new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve), 20)));
    }
  }

  /** After a control was used and taken back, address and page are what they were. */
  async comeHome({ url, outline }, control) {
    const { page } = this;
    // On a busy machine it may have opened after it was looked for.
    if (!(await this.refuse())) await this.escape();
    const isHere = () => new URL(page.url()).pathname === new URL(url).pathname;
    for (let steps = 0; !isHere() && steps < 3; steps += 1) await page.goBack();
    if (!isHere() || (page.url() !== url && undoes.includes(control?.sort))) {
      this.fault(`back, the address is ${page.url()} and was ${url}`);
    }
    // What was chosen on the page itself need not be a step of its own.
    if (page.url() !== url) await page.goto(url);
    await this.look(outline);
  }

  /** After a change of the address: a page that is loaded anew is the same one. */
  async reload() {
    const shape = this.shapeOf(this.page.url());
    if (this.reloaded.has(shape)) return;
    this.reloaded.add(shape);
    const outline = await this.look();
    await this.page.reload();
    await this.look(outline);
  }

  async rowKeys(home) {
    if ((await this.page.locator("main [data-row]").count()) === 0) return;
    this.doing = `${home.kind}: j, Enter`;
    this.clicks += 1;
    await this.page.keyboard.press("j");
    await this.page.keyboard.press("Enter");
    await this.look();
    if ((await this.page.locator("[role=dialog], [role=menu]").count()) > 0) {
      this.fault("a key that moves and one that opens pressed a button");
      await this.page.goto(home.url);
    }
    await this.comeHome(home);
  }

  /** Views of one thing: each in turn, then the first again. */
  async tabs(home) {
    const { page } = this;
    const links = page.locator("main nav[aria-label^=Views] a");
    const names = await links.allTextContents();
    if (names.length === 0) return;
    for (const [index, name] of [...names.entries(), [0, names[0]]]) {
      this.doing = `${home.kind}: the tab ${name}`;
      this.clicks += 1;
      await links.nth(index).click();
      await this.look();
      await this.reload();
      if (index > 0) await this.inTab(home);
    }
    this.doing = `${home.kind}: back on the tab ${names[0]}`;
    if (page.url() !== home.url) this.fault(`the address is ${page.url()} and was ${home.url}`);
    await this.comeHome(home);
  }

  /** The tables of a tab that is not the first. */
  async inTab({ kind }) {
    const tab = { kind: `${kind}${new URL(this.page.url()).search}`, url: this.page.url(), outline: await this.look() };
    for (const control of await this.controls(tab, "main")) {
      if (!["sort", "filter", "disclosure", "link"].includes(control.sort)) continue;
      this.doing = `${tab.kind}: ${control.what}`;
      await this.use(control, tab);
      await this.comeHome(tab, control);
    }
  }

  /** Insights and dashboards are drawn by the same parts, so what is alike there is alike on all of them. */
  async controls({ kind }, within) {
    const found = await this.page.evaluate(listControls, within);
    const place = kind.replace(/^\/(insights|dashboards)\/.*/, "drawn");
    return found.filter((control) => {
      if (control.inTabs) return false;
      if (control.sort === "sort" || control.sort === "link") return true;
      const alike = `${place} ${control.sort} ${control.alike}`;
      const count = (this.used.get(alike) ?? 0) + 1;
      this.used.set(alike, count);
      return count <= (control.sort === "menu" ? 1 : mostAlike);
    });
  }

  /** What is on the page now and was described before. */
  find({ selector, text, nth }) {
    const found = this.page.locator(selector);
    return (text === undefined ? found : found.filter({ hasText: text })).nth(nth);
  }

  async use(control, home) {
    const { page } = this;
    switch (control.sort) {
      case "link":
        return this.follow(control, home);
      case "sort":
        for (let time = 0; time < 3; time += 1) {
          await this.click(control);
          await this.look();
          if (time === 0) await this.reload();
        }
        return;
      case "select":
        return this.choose(control, home);
      case "check":
        await this.click(control);
        await this.look();
        return this.click(control);
      case "radio":
        return this.radios(control, home);
      case "filter":
      case "text":
        return this.type(control, home);
      case "disclosure":
        await this.click(control);
        await this.look();
        // Some take what they have opened along with them; then there is nothing to close.
        if ((await this.find(control).count()) > 0 && page.url() === home.url) await this.click(control);
        return;
      case "menu":
        return this.menu(control, home);
      case "button":
        return this.press(control, home);
    }
  }

  async click(control) {
    this.clicks += 1;
    await this.find(control).click();
  }

  async follow(control, home) {
    const { page } = this;
    const shape = this.shapeOf(control.href);
    const key = `${home.kind} ${shape}`;
    if (this.followed.has(key)) return;
    this.followed.add(key);
    if (control.download) {
      const response = await page.context().request.head(control.href);
      if (response.status() >= 400) this.fault(`${response.status()} for ${control.href}`);
      return;
    }
    await this.click(control);
    await page.waitForURL((url) => url.href !== home.url || control.href === home.url);
    await this.look();
    this.arrived();
    if (page.url() === home.url) return;
    if (this.forward.has(shape)) return;
    this.forward.add(shape);
    const there = page.url();
    await page.goBack();
    await this.look();
    await page.goForward();
    await this.look();
    if (page.url() !== there) this.fault(`forward leads to ${page.url()} and not to ${there}`);
  }

  /** A kind of page that is new is gone through later. */
  arrived() {
    const kind = this.kindOf(this.page.url());
    if (this.done.has(kind)) return;
    const path = this.page.url().slice(this.at("").length);
    if (kinds.includes(kind)) this.waiting.push(path);
    else this.fault(`there is a page that this walk does not know: ${kind}`);
  }

  async choose(control, home) {
    const select = this.find(control);
    const first = await select.inputValue();
    const values = await select.evaluate((element) => [...element.options].map((option) => option.value));
    for (const value of values.filter((one) => one !== first).slice(0, mostOptions)) {
      this.clicks += 1;
      await select.selectOption(value);
      await this.look();
      if (await this.refuse()) {
        await this.look();
        if ((await select.inputValue()) !== first) this.fault("what was not confirmed is shown as chosen");
        continue;
      }
      if (this.page.url() !== home.url) await this.reload();
    }
    await select.selectOption(first);
    await this.look();
    // What a dashboard begins with is a value among others once it was chosen.
    if (this.page.url().includes("var-")) await this.page.goto(home.url);
  }

  async radios(control, home) {
    const radios = this.find(control).locator("input[type=radio]");
    const first = await radios.evaluateAll((all) => all.findIndex((radio) => radio.checked));
    for (const index of [...Array(await radios.count()).keys()].filter((one) => one !== first).concat(first)) {
      this.clicks += 1;
      const id = await radios.nth(index).getAttribute("id");
      await this.page.locator(`label[for="${id}"]`).click();
      await this.look();
      if (this.page.url() !== home.url) await this.reload();
    }
  }

  async type(control, home) {
    const field = this.find(control);
    const first = await field.inputValue();
    this.clicks += 1;
    await field.fill(control.number ? "2" : "nothing is called like this");
    await this.look();
    if (control.sort === "filter" && this.page.url() !== home.url) await this.reload();
    await this.find(control).fill(first);
    await this.look();
  }

  async menu(control, home) {
    const { page } = this;
    await this.click(control);
    await page.locator("[role=menu]").waitFor();
    await this.look();
    const items = await page.locator(entries).allTextContents();
    await this.escape();
    for (const [index, name] of items.entries()) {
      // Entries that lead to what stands beside each other are alike.
      if (control.entriesAlike && index >= mostAlike) break;
      if (actsAtOnce.includes(name.trim())) continue;
      this.doing = `${home.kind}: ${control.what}, ${name.trim()}`;
      await this.click(control);
      this.clicks += 1;
      await (control.entriesAlike ? page.locator(entries).nth(index) : page.locator(entries).filter({ hasText: name })).click();
      await this.after(home);
      await this.comeHome(home);
    }
  }

  async press(control, home) {
    if (actsAtOnce.includes(control.name)) return;
    await this.click(control);
    await this.after(home);
  }

  /** Whatever came of a click is looked at and taken back. */
  async after(home) {
    const { page } = this;
    await this.look();
    if (await this.refuse()) return;
    const layer = page.locator("[role=dialog], [role=menu]");
    if ((await layer.count()) > 0) {
      await this.inLayer(home);
      await this.escape();
    }
    if (page.url() === home.url) {
      // Where it changed what is shown, that is as it was when it is loaded anew.
      const now = await this.look();
      if (now.join("\n") !== home.outline.join("\n")) await page.goto(home.url);
      return;
    }
    this.arrived();
    await this.reload();
  }

  async escape() {
    const layer = this.page.locator("[role=dialog], [role=menu]");
    if ((await layer.count()) === 0) return;
    await this.page.keyboard.press("Escape");
    await layer.first().waitFor({ state: "detached" }).catch(() => this.fault("Escape does not close it"));
  }

  /** Where something is to be taken away, the answer that is offered first takes nothing away. */
  async refuse() {
    const leave = this.page.getByRole("button", { name: "Leave as it is" });
    if ((await leave.count()) === 0) return false;
    const typed = (await this.page.getByRole("dialog").getByRole("textbox").count()) > 0;
    await this.page.keyboard.press(typed ? "Escape" : "Enter");
    await leave.waitFor({ state: "detached" });
    return true;
  }

  /** Buttons of a dialog or a popover that only look, as the usual time ranges do. */
  async inLayer(home) {
    const { page } = this;
    const ranges = page.locator("[role=dialog] ul button:not([aria-current])");
    if ((await ranges.count()) === 0) return;
    this.clicks += 1;
    await ranges.first().click();
    await this.look();
    if (page.url() === home.url) this.fault("choosing a range of time did not change the address");
  }
}

/** In the page: what it shows in few words, and whether it shows nothing below its title. */
function outlineOfPage() {
  const main = document.querySelector("main");
  if (main === null) return { loaded: false, outline: [], layers: 0, empty: true };
  const loaded = main.querySelector("h1, h2") !== null && document.querySelector("[aria-busy=true]") === null;
  const seen = (element) => element.checkVisibility();
  const words = (text) => text.replaceAll(/\d+/g, "0").replaceAll(/\s+/g, " ").trim();
  const outline = [];
  for (const element of main.querySelectorAll("h1, h2, h3, table[aria-label], [role=region], nav a[aria-current], th[aria-sort], select, input, textarea")) {
    if (!seen(element)) continue;
    const name = element.getAttribute("aria-label") ?? "";
    if (element.matches("select, input, textarea")) outline.push(`${name || element.tagName} is ${words(element.type === "checkbox" || element.type === "radio" ? String(element.checked) : element.value)}`);
    else outline.push(words(name || element.textContent));
  }
  const rest = main.cloneNode(true);
  for (const element of rest.querySelectorAll("header, nav, style, .unseen")) element.remove();
  const layers = document.querySelectorAll("[role=dialog], [role=menu]").length;
  return { loaded, outline, layers, empty: rest.textContent.trim() === "" && rest.querySelector("input, textarea, canvas") === null };
}

/** In the page: its controls, each with how to find it again. */
function listControls(within) {
  const scope = [...document.querySelectorAll(within)].flatMap((part) => [...part.querySelectorAll("a[href], button, select, input, textarea, summary")]);
  const controls = [];
  const seen = (element) => element.checkVisibility() && element.closest("[inert], [aria-hidden=true]") === null;
  const textOf = (element) => (element.textContent ?? "").replaceAll(/\s+/g, " ").trim();
  const nameOf = (element) =>
    (element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? (textOf(element) || element.getAttribute("title")) ?? "").replaceAll(/\s+/g, " ").trim();
  const groups = new Set();
  for (const element of new Set(scope)) {
    if (!seen(element) || element.disabled || element.hidden) continue;
    const name = nameOf(element);
    const tag = element.tagName.toLowerCase();
    const own = element.className.split(" ").filter((one) => one.startsWith("_"));
    const control = { name, what: `${tag} “${name.slice(0, 60)}”`, inTabs: element.closest("nav[aria-label^=Views]") !== null, alike: `${tag} ${own.join(" ") || name}` };
    if (tag === "a") {
      const address = new URL(element.href);
      if (address.origin !== location.origin || element.getAttribute("href").startsWith("#")) continue;
      const href = element.getAttribute("href");
      Object.assign(control, { sort: "link", href: element.href, download: element.hasAttribute("download") || element.target === "_blank" || address.pathname.includes("/api/"), selector: `a[href=${JSON.stringify(href)}]` });
    } else if (element.closest("th") !== null && tag === "button") Object.assign(control, { sort: "sort" });
    else if (tag === "select") Object.assign(control, { sort: "select" });
    else if (tag === "summary") Object.assign(control, { sort: "disclosure" });
    else if (tag === "input" && element.type === "radio") {
      const group = element.closest("[role=radiogroup]");
      if (group === null || groups.has(group)) continue;
      groups.add(group);
      Object.assign(control, { sort: "radio", selector: `[role=radiogroup][aria-label=${JSON.stringify(group.getAttribute("aria-label"))}]`, nth: 0 });
    } else if (tag === "input" && element.type === "checkbox") Object.assign(control, { sort: "check" });
    else if (tag === "input" || tag === "textarea") {
      if (element.readOnly || element.type === "file") continue;
      Object.assign(control, { sort: element.matches("[data-filter]") ? "filter" : "text", number: element.inputMode === "numeric" || element.inputMode === "decimal" || element.type === "number" });
    } else if (element.getAttribute("aria-haspopup") === "menu") Object.assign(control, { sort: "menu", entriesAlike: name.startsWith("Others beside") });
    else if (element.hasAttribute("aria-expanded") && element.getAttribute("aria-haspopup") === null) Object.assign(control, { sort: "disclosure" });
    else Object.assign(control, { sort: "button" });
    const label = element.getAttribute("aria-label");
    // By name, so that another control that comes or goes does not make it another one; a disclosure changes its name.
    const named = control.sort !== "disclosure";
    if (named && label !== null) control.selector ??= `${tag}[aria-label=${JSON.stringify(label)}]`;
    else if (named && tag === "button" && textOf(element) !== "") control.text = textOf(element);
    control.selector ??= tag;
    const has = (one) => control.text === undefined || textOf(one).toLowerCase().includes(control.text.toLowerCase());
    const alike = [...document.querySelectorAll(control.selector)].filter(has);
    control.nth ??= alike.indexOf(element);
    controls.push(control);
  }
  return controls;
}
