// Keys in a list never change anything: rows take the focus, Enter opens them, and what takes something away asks.
import { check, must } from "./check.mjs";

export function checkRows({ page, go, api, heading, project }) {
  const agentState = async () => (await api("agents")).items[0].state;
  const focusedRow = () => page.locator("[data-row]:focus");
  const dialog = page.getByRole("dialog");

  check("no key that moves in a list disables an agent", async () => {
    await go("agents");
    await page.getByText(/^Online, Keirin/).first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    must((await dialog.count()) === 0, "Enter on a row pressed a button");
    must((await agentState()) === "online", `the agent is ${await agentState()}`);
    must((await focusedRow().count()) === 1, "no row has the focus");
  });

  check("disabling an agent asks, and a second Enter says no", async () => {
    await go("agents");
    await page.getByRole("button", { name: "Disable agent" }).focus();
    await page.keyboard.press("Enter");
    await dialog.getByText("takes no further job").waitFor();
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    must((await agentState()) === "online", `the agent is ${await agentState()}`);
    await page.getByRole("button", { name: "Disable agent" }).click();
    await dialog.getByRole("button", { name: "Disable agent" }).click();
    await page.getByRole("button", { name: "Enable agent" }).click();
    await page.getByRole("button", { name: "Disable agent" }).waitFor();
  });

  check("j and k walk all rows of a page, and Enter opens the one that has the focus", async () => {
    await go(`projects/${project}`);
    await page.getByRole("heading", { name: "Recent flows" }).waitFor();
    await page.getByRole("link", { name: new RegExp(`^${project} \\d+$`) }).first().waitFor();
    const rows = await page.locator("main [data-row]").count();
    for (let step = 0; step < rows + 2; step += 1) await page.keyboard.press("j");
    must(await page.locator("main [data-row]").last().evaluate((row) => row === document.activeElement), "j did not reach the last row");
    for (let step = 0; step < rows + 2; step += 1) await page.keyboard.press("k");
    must(await page.locator("main [data-row]").first().evaluate((row) => row === document.activeElement), "k did not come back to the first row");
    const name = await focusedRow().getByRole("link").first().textContent();
    await page.keyboard.press("Enter");
    await heading(name).waitFor();
  });
}
