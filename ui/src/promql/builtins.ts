/** What a query may leave to the page: how far apart the points lie and how long the range is, by Grafana's names. */
import { writeDuration } from "../time/step";
import type { Span } from "../time/range";

export function builtins(step: number, { from, until }: Span): Record<string, string> {
  const span = until - from;
  return {
    __interval: writeDuration(step),
    __interval_ms: String(step * 1000),
    // Four scrapes at the usual minute, so that a rate always has two samples to go by.
    __rate_interval: writeDuration(Math.max(step + 60, 240)),
    __range: writeDuration(Math.max(1, Math.round(span))),
    __range_s: String(Math.round(span)),
    __range_ms: String(Math.round(span * 1000)),
    __from: String(from * 1000),
    __to: String(until * 1000),
  };
}

/** `$name`, `${name}`, `${name:format}` and `[[name]]`, each handed to `value`; what it does not know stays as it is. */
export function interpolate(text: string, value: (name: string, format: string) => string | undefined): string {
  return text.replace(/\$\{(\w+)(?:[.:]([\w.:]+))?\}|\[\[(\w+)(?::(\w+))?\]\]|\$(\w+)/g, (whole, braced?: string, format?: string, square?: string, squareFormat?: string, plain?: string) => {
    const name = braced ?? square ?? plain ?? "";
    return value(name, format ?? squareFormat ?? "") ?? whole;
  });
}

export function withBuiltins(query: string, step: number, span: Span): string {
  const values = builtins(step, span);
  return interpolate(query, (name) => values[name]);
}
