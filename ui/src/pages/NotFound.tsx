/** An address that leads nowhere. */
import { LinkButton } from "../parts/LinkButton";
import { EmptyPage } from "../parts/EmptyPage";

export function NotFound() {
  return (
    <main style={{ paddingTop: "12vh" }}>
      <EmptyPage
        page
        title="There is no page at this address"
        action={
          <LinkButton to="/">
            Go to the overview
          </LinkButton>
        }
      >
        The link may be mistyped, or what it led to has been deleted.
      </EmptyPage>
    </main>
  );
}
