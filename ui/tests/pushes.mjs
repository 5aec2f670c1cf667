// What a push did is said where one looks for it: a broken workflow file is a banner until it is mended.
import { check, must, until } from "./check.mjs";

export function checkPushes({ page, go, api, heading, project, repository }) {
  const banner = page.locator("main [role=status]");
  const mainBranch = async () => (await api(`projects/${project}/branches`)).items.find((one) => one.name === "main");

  check("a broken workflow file that is pushed is a banner and a flow with its errors", async () => {
    await go(`projects/${project}`);
    await heading(project).waitFor();
    must((await banner.count()) === 0, "there is a banner before anything is broken");
    repository.commit(".keirin.yaml", "keirin: 1\ntriggers: { push: {} }\nstages: 7\n");
    // It comes without loading anything anew.
    await banner.getByText(".keirin.yaml").waitFor();
    await banner.getByText("line 3").waitFor();
    await go(`projects/${project}/branches/main`);
    await banner.getByText("is broken: it has 1 error").waitFor();
    await banner.getByRole("link").click();
    await page.waitForURL(/\/flows\/\d+/);
    await page.getByText("line 3, column").waitFor();
    await page.locator('main header [data-state="failed"]').first().waitFor();
  });

  check("a push that starts nothing says why at its branch", async () => {
    repository.commit(".keirin.yaml", repository.workflow.replace("push: {}", "push: { branches: [none] }"));
    await until("the push is found", async () => (await mainBranch()).last_push.flows.length === 0);
    await go(`projects/${project}/branches/main`);
    await banner.getByText("started nothing").waitFor();
    await banner.getByText(/branches .?none.? alone/).waitFor();
  });

  check("the banner of the project goes once the file is mended", async () => {
    await go(`projects/${project}`);
    await heading(project).waitFor();
    await banner.waitFor({ state: "detached" });
  });
}
