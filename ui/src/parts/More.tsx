/** Fetches the next page of a list. */
import { Button } from "@mantine/core";

interface MoreProps {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
  /** What there is more of. */
  what: string;
}

export function More({ list, what }: MoreProps) {
  if (!list.hasNextPage) return null;
  return (
    <div style={{ display: "flex", justifyContent: "center", padding: 16 }}>
      <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
        Show more {what}
      </Button>
    </div>
  );
}
