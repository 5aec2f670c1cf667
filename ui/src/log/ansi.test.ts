import { describe, expect, it } from "vitest";
import { parseAnsi, plainText } from "./ansi";

const escape = "\u001b";

describe("colours in a line", () => {
  it("begin and end where the sequences say", () => {
    expect(parseAnsi(`a ${escape}[1;31mred${escape}[0m b`)).toEqual([
      { text: "a ", look: {} },
      { text: "red", look: { bold: true, text: { palette: 1 } } },
      { text: " b", look: {} },
    ]);
  });

  it("can be of the 256 or of all", () => {
    expect(parseAnsi(`${escape}[38;5;196mx`)[0]?.look.text).toEqual({ red: 255, green: 0, blue: 0 });
    expect(parseAnsi(`${escape}[38;5;12mx`)[0]?.look.text).toEqual({ palette: 12 });
    expect(parseAnsi(`${escape}[48;2;1;2;999mx`)[0]?.look.back).toEqual({ red: 1, green: 2, blue: 255 });
  });

  it("survive nonsense", () => {
    expect(plainText(`${escape}[38;5mx`)).toBe("x");
    expect(plainText(`${escape}[38;5;999mx`)).toBe("x");
    expect(plainText(`${escape}[`)).toBe("");
    expect(plainText(`a${escape}`)).toBe("a");
    expect(plainText(`${escape}]8;;unfinished`)).toBe("");
  });
});

describe("what a line may not do", () => {
  it("move the cursor, clear the screen or set the window's title", () => {
    expect(plainText(`${escape}[2J${escape}[1;1Hhello${escape}]0;title\u0007`)).toBe("hello");
  });

  it("turn the direction of the text", () => {
    expect(plainText("a\u202eb")).toBe("ab");
  });

  it("become markup", () => {
    expect(parseAnsi("<img src=x onerror=alert(1)>")).toEqual([{ text: "<img src=x onerror=alert(1)>", look: {} }]);
  });
});

it("a progress bar shows what it wrote last", () => {
  expect(plainText("10 %\r50 %\r100 %")).toBe("100 %");
  expect(plainText("windows line\r")).toBe("windows line");
});
