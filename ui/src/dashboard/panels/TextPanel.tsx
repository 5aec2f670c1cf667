/** Words in Markdown, made into elements one by one: markup within it stays text, so nothing of it can act. */
import type { Token, Tokens } from "marked";
import { type ReactNode, use } from "react";
import { text } from "../json";
import type { Panel } from "../model";
import css from "./panels.module.css";

let asked: Promise<typeof import("marked")> | undefined;

function load() {
  asked ??= import("marked");
  return asked;
}

export function TextPanel({ panel, height, fill }: { panel: Panel; height: number; fill: (text: string) => string }) {
  const { lexer } = use(load());
  const content = fill(text(panel.options.content) || text((panel.options as { markdown?: unknown }).markdown));
  const mode = text(panel.options.mode, "markdown");
  const body = mode === "code" ? <pre>{content}</pre> : blocks(lexer(mode === "html" ? withoutTags(content) : content));
  return (
    // It may scroll, so the keyboard has to be able to reach it.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={css.words} style={{ maxHeight: height }} role="group" aria-label={panel.title || "Text"} tabIndex={0}>
      {body}
    </div>
  );
}

function withoutTags(html: string): string {
  return html.replace(/<[^>]*>/g, "");
}

function blocks(tokens: readonly Token[]): ReactNode[] {
  // oxlint-disable-next-line react/no-array-index-key -- words that are read once do not move
  return tokens.map((token, index) => <Block key={index} token={token as Tokens.Generic} />);
}

function Block({ token }: { token: Tokens.Generic }): ReactNode {
  const inner = () => inlines(token.tokens ?? []);
  switch (token.type) {
    case "heading":
      return token.depth <= 1 ? <h3>{inner()}</h3> : <h4>{inner()}</h4>;
    case "paragraph":
      return <p>{inner()}</p>;
    case "blockquote":
      return <blockquote>{blocks(token.tokens ?? [])}</blockquote>;
    case "code":
      return <pre>{token.text}</pre>;
    case "hr":
      return <hr />;
    case "list": {
      // oxlint-disable-next-line react/no-array-index-key -- words that are read once do not move
      const items = (token as Tokens.List).items.map((item, index) => <li key={index}>{blocks(item.tokens)}</li>);
      return token.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    case "table": {
      const { header, rows } = token as Tokens.Table;
      return (
        <table>
          <thead>
            <tr>
              {header.map((cell) => (
                <th key={cell.text}>{inlines(cell.tokens)}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              // oxlint-disable-next-line react/no-array-index-key -- words that are read once do not move
              <tr key={index}>
                {row.map((cell, at) => (
                  // oxlint-disable-next-line react/no-array-index-key -- as above
                  <td key={at}>{inlines(cell.tokens)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      );
    }
    case "text":
      return <>{token.tokens ? inner() : token.text}</>;
    case "space":
      return null;
    default:
      return <p>{withoutTags(token.raw)}</p>;
  }
}

function inlines(tokens: readonly Token[]): ReactNode[] {
  return tokens.map((token, index) => {
    const one = token as Tokens.Generic;
    const inner = () => inlines(one.tokens ?? []);
    const key = index;
    switch (one.type) {
      case "strong":
        return <strong key={key}>{inner()}</strong>;
      case "em":
        return <em key={key}>{inner()}</em>;
      case "del":
        return <del key={key}>{inner()}</del>;
      case "codespan":
        return <code key={key}>{one.text}</code>;
      case "br":
        return <br key={key} />;
      case "link":
        return safeAddress(one.href) ? (
          <a key={key} href={one.href} rel="noreferrer">
            {inner()}
          </a>
        ) : (
          <span key={key}>{inner()}</span>
        );
      case "image":
        // Pictures of other servers are not fetched: who looks at a page should not be told to them.
        return <span key={key}>{one.text}</span>;
      case "html":
        return <span key={key}>{withoutTags(one.raw)}</span>;
      default:
        return <span key={key}>{one.tokens ? inner() : unescaped(one.text ?? one.raw)}</span>;
    }
  });
}

/** Nothing but pages: no address that runs a program. */
export function safeAddress(address: string): boolean {
  try {
    return ["http:", "https:", "mailto:"].includes(new URL(address, "https://page.invalid/").protocol);
  } catch {
    return false;
  }
}

/** The lexer writes characters as HTML does, and React would do it again. */
function unescaped(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}
