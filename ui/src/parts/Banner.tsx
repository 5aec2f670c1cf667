/** Something that should be known until it is mended: what is the matter, and what to do. */
import type { ReactNode } from "react";
import css from "./Banner.module.css";
import { Icon } from "./Icon";
import { Sentence } from "./Sentence";

interface BannerProps {
  text: string;
  fix?: string;
  /** Something to know rather than something to mend. */
  quiet?: boolean;
  children?: ReactNode;
}

export function Banner({ text, fix, quiet = false, children }: BannerProps) {
  return (
    <div className={css.banner} role="status" data-quiet={quiet}>
      <Icon name="warning" size={18} />
      <div className={css.text}>
        <p>
          <Sentence text={text} />
        </p>
        {fix === undefined ? null : (
          <p className={css.fix}>
            <Sentence text={fix} />
          </p>
        )}
        {children}
      </div>
    </div>
  );
}
