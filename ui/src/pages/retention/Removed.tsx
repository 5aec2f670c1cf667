/** In the place of what a flow left that has been kept long enough. */
import { EmptyPage } from "../../parts/EmptyPage";
import { absolute, useTimeZone } from "../../parts/timezone";

export function Removed({ what, at, children }: { what: string; at: string; children?: string }) {
  const zone = useTimeZone();
  return (
    <EmptyPage title={`No ${what} any more`}>
      What there was had been kept long enough and was removed on {absolute(at, zone)}. {children} A pinned flow keeps all that it left.
    </EmptyPage>
  );
}
