import { expect, it } from "vitest";
import { lineLink, parseLineLink } from "./lineLink";

it("names a line or a range, whichever end comes first", () => {
  expect(parseLineLink("#L120")).toEqual({ first: 120, last: 120 });
  expect(parseLineLink("L120-L140")).toEqual({ first: 120, last: 140 });
  expect(parseLineLink("#L140-L120")).toEqual({ first: 120, last: 140 });
});

it("is not mistaken for other anchors", () => {
  for (const hash of ["", "#", "#Lx", "#L0", "#L1-2", "#content"]) expect(parseLineLink(hash)).toBeNull();
});

it("is written as short as it can be", () => {
  expect(lineLink({ first: 3, last: 3 })).toBe("L3");
  expect(lineLink({ first: 3, last: 9 })).toBe("L3-L9");
});
