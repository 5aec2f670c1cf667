/** A secret that is shown this once. */
import { Button } from "@mantine/core";
import { copyText } from "../../parts/copy";
import { Icon } from "../../parts/Icon";
import css from "./settings.module.css";

export function Secret({ secret, what }: { secret: string; what: string }) {
  return (
    <>
      <p>{what} is shown this once: copy it now.</p>
      <code className={css.secret}>{secret}</code>
      <Button leftSection={<Icon name="copy" />} onClick={() => void copyText(secret, what)} data-autofocus>
        Copy
      </Button>
    </>
  );
}
