/** What stands around every page: rail, breadcrumbs, whether it is live, who one is. */
import { Drawer } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Outlet } from "@tanstack/react-router";
import { useState } from "react";
import { KeysHelp } from "../keyboard/KeysHelp";
import { Icon } from "../parts/Icon";
import { remember, remembered } from "../parts/memory";
import { Crumbs } from "./Crumbs";
import css from "./Frame.module.css";
import { Live } from "./Live";
import { MeMenu } from "./MeMenu";
import { Rail } from "./Rail";
import { SchemeSwitch } from "./SchemeSwitch";
import { useGlobalKeys } from "./useGlobalKeys";

const foldKey = "keirin-rail-folded";

export function Frame() {
  const [drawer, { open, close }] = useDisclosure(false);
  const [help, { open: openHelp, close: closeHelp }] = useDisclosure(false);
  const [folded, setFolded] = useState(() => remembered(foldKey) === "yes");
  useGlobalKeys(openHelp);

  function fold(): void {
    remember(foldKey, folded ? "no" : "yes");
    setFolded(!folded);
  }

  return (
    <div className={css.frame} data-folded={folded}>
      <a className={css.skip} href="#content">
        Skip to the content
      </a>
      <div className={css.rail}>
        <Rail folded={folded} onFold={fold} />
      </div>
      <Drawer opened={drawer} onClose={close} size={260} padding="xs" title="Places" closeButtonProps={{ "aria-label": "Close the places" }}>
        <div className={css.drawer}>
          <Rail folded={false} onGo={close} />
        </div>
      </Drawer>
      <header className={css.bar}>
        <button type="button" className={css.menu} onClick={open} aria-label="Open the places">
          <Icon name="menu" size={18} />
        </button>
        <Crumbs />
        <Live />
        <button type="button" className={`${css.button} ${css.wide}`} onClick={openHelp} aria-label="Show the keys" title="Keys (?)">
          <Icon name="keyboard" size={18} />
        </button>
        <SchemeSwitch className={css.button ?? ""} />
        <MeMenu className={css.button ?? ""} />
      </header>
      <main id="content" className={css.content} tabIndex={-1}>
        <Outlet />
      </main>
      <KeysHelp opened={help} onClose={closeHelp} />
    </div>
  );
}
