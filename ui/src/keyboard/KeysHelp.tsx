/** The list of keys that work here, opened by "?". */
import { Kbd, Modal, Switch } from "@mantine/core";
import { useKeyGroups, useKeysEnabled } from "./keys";
import css from "./KeysHelp.module.css";

export function KeysHelp({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const groups = useKeyGroups();
  const [enabled, setEnabled] = useKeysEnabled();
  return (
    <Modal opened={opened} onClose={onClose} title="Keys" size="lg">
      <div className={css.groups}>
        {groups.map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <dl className={css.keys}>
              {group.keys.map((key) => (
                <div key={key.keys}>
                  <dt>
                    {key.keys.split(" ").map((one) => (
                      <Kbd key={one}>{one}</Kbd>
                    ))}
                  </dt>
                  <dd>{key.does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <Switch
        mt="md"
        checked={enabled}
        onChange={(event) => setEnabled(event.currentTarget.checked)}
        label="Keys without Ctrl or Alt work on this browser"
      />
    </Modal>
  );
}
