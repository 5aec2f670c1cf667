/** Breadcrumbs; those with siblings open them. */
import { Menu } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Icon } from "../parts/Icon";
import css from "./Crumbs.module.css";
import { type Crumb, useShownCrumbs } from "./crumbs";

export function Crumbs() {
  const crumbs = useShownCrumbs();
  return (
    <nav aria-label="Where you are" className={css.crumbs}>
      <ol>
        {crumbs.map((crumb, index) => (
          <li key={`${crumb.label} ${crumb.to ?? ""}`} className={index < crumbs.length - 2 ? css.early : undefined}>
            {index > 0 ? <span className={css.slash} aria-hidden="true">/</span> : null}
            <CrumbLabel crumb={crumb} last={index === crumbs.length - 1} />
            {crumb.siblings ? <Siblings crumb={crumb} /> : null}
          </li>
        ))}
      </ol>
    </nav>
  );
}

function CrumbLabel({ crumb, last }: { crumb: Crumb; last: boolean }) {
  if (last || crumb.to === undefined) {
    return <span className={css.here} aria-current={last ? "page" : undefined}>{crumb.label}</span>;
  }
  return <Link to={crumb.to}>{crumb.label}</Link>;
}

function Siblings({ crumb }: { crumb: Crumb }) {
  return (
    <Menu keepMounted={false} width={300}>
      <Menu.Target>
        <button type="button" className={css.open} aria-label={`Others beside ${crumb.label}`}>
          <Icon name="down" size={14} />
        </button>
      </Menu.Target>
      <Menu.Dropdown className={css.menu}>{crumb.siblings?.()}</Menu.Dropdown>
    </Menu>
  );
}
