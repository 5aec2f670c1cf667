/** Who one is, and what belongs to oneself alone. */
import { Menu } from "@mantine/core";
import { useMutation, useSuspenseQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { signOut } from "../api/actions";
import { meQuery, queryClient } from "../api/queries";
import { Icon } from "../parts/Icon";
import { notify } from "../parts/notices";
import { setTimeZone, useTimeZone } from "../parts/timezone";
import css from "./MeMenu.module.css";

export function MeMenu({ className }: { className: string }) {
  const { data: me } = useSuspenseQuery(meQuery);
  const zone = useTimeZone();
  const navigate = useNavigate();
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: async () => {
      queryClient.clear();
      await navigate({ to: "/sign-in" });
    },
    onError: notify,
  });

  if (me.kind === "nobody") {
    return (
      <Link to="/sign-in" className={css.signIn}>
        Sign in
      </Link>
    );
  }
  const name = me.name ?? "Signed in";
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <button type="button" className={className} aria-label={`You: ${name}`}>
          <span className={css.face} aria-hidden="true">
            {name.charAt(0).toUpperCase()}
          </span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={css.who}>
          <strong>{name}</strong>
          <span>{me.role === null ? "roles in single projects" : `${me.role} in all projects`}</span>
        </div>
        <Menu.Divider />
        <Menu.Item
          closeMenuOnClick={false}
          leftSection={<Icon name="clock" />}
          rightSection={<span className={css.value}>{zone === "utc" ? "UTC" : "local"}</span>}
          onClick={() => setTimeZone(zone === "utc" ? "local" : "utc")}
        >
          Times in
        </Menu.Item>
        <Menu.Item component={Link} to="/settings/password" leftSection={<Icon name="tokens" />}>
          {me.has_password ? "Change password" : "Set password"}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="right" />} onClick={() => leave.mutate()}>
          Sign out
        </Menu.Item>
        <div className={css.version}>Keirin {me.version}</div>
      </Menu.Dropdown>
    </Menu>
  );
}
