/** The door. A link that works once does not come by here: the server itself lets its bearer in. */
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { signIn } from "../../api/actions";
import { queryClient } from "../../api/queries";
import { Form } from "../../parts/Form";
import css from "./SignInPage.module.css";

export function SignInPage() {
  const search = useSearch({ from: "/sign-in" });
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");

  async function enter(): Promise<void> {
    await queryClient.resetQueries();
    // Only within this site: an address from elsewhere must not decide where one ends up.
    const isWithin = search.to?.startsWith("/") && !search.to.startsWith("//") && !search.to.startsWith("/sign-in");
    const within = isWithin && search.to !== undefined ? search.to : "/";
    await navigate({ to: within, replace: true });
  }
  const byPassword = useMutation({ mutationFn: () => signIn(name, password), onSuccess: enter });

  useEffect(() => {
    document.title = "Sign in · Keirin";
  }, []);

  return (
    <main className={css.page}>
      <div className={css.box}>
        <div className={css.brand}>
          <img src="./favicon.svg" width="36" height="36" alt="" />
          <h1>Keirin</h1>
        </div>
        {search.link === "used" ? (
          <p className={css.used} role="alert">
            That link has been used already, or its time is over. Each works once: ask for a fresh one, or sign in by password.
          </p>
        ) : null}
        <Form
          onSubmit={() => byPassword.mutate()}
          error={byPassword.error}
          buttons={
            <Button type="submit" fullWidth loading={byPassword.isPending}>
              Sign in
            </Button>
          }
        >
          <TextInput label="Name" autoComplete="username" required value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
        </Form>
        <p className={css.note}>
          No password yet? On the server's own machine <code>keirin user link admin</code> prints a fresh sign-in link, as <code>make run</code> does when it starts; an admin can make one for you on the page of users.
        </p>
      </div>
    </main>
  );
}
