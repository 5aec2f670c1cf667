/** From a figure to the facts behind it: which metric it is made of, with which labels, over which time. */
import type { Labels } from "../api/prometheus";
import { lex, selectorsIn } from "../promql/lex";
import type { Span } from "../time/range";
import { readDuration } from "../time/step";

/** What stands in the address of the list of facts. */
export interface FactsSearch {
  metric: string;
  from: string;
  until: string;
  [label: `label.${string}`]: string;
}

const suffix = /_(?:bucket|sum|count)$/;

/** Labels that say something about a sample and nothing about its facts. */
const notOfFacts = new Set(["__name__", "le", "quantile"]);

/** The time that a value covers. */
export interface Covered {
  /** Seconds of a bucket, at whose beginning the value stands; zero for what stands where it was measured. */
  bucket: number;
  /** Seconds up to the bucket's end that the value speaks of: as long as the bucket for a count, longer for a level. */
  looksBack: number;
}

/** How far a query without a range looks back, in seconds. */
const lookBack = 300;

/**
 * Null where the query reads no metric that is made of facts. `time` is when it was worked out, in seconds; `bucketOf`
 * gives the time that each of a metric's values covers, and undefined for what is not made of facts.
 */
export function factsOf(query: string, labels: Labels, time: number, bucketOf: (metric: string) => Covered | undefined): FactsSearch | null {
  for (const { metric, matchers } of selectorsIn(query)) {
    const name = bucketOf(metric) === undefined ? metric.replace(suffix, "") : metric;
    const bucket = bucketOf(name);
    if (bucket === undefined) continue;
    const wanted: Labels = {};
    for (const { label, operator, value } of matchers) {
      // An expression that can stand for one value only is that value.
      const plain = operator === "=" || (operator === "=~" && /^[\w /:-]+$/.test(value));
      if (plain && value !== "") wanted[label] = value;
    }
    Object.assign(wanted, labels);
    const { from, until } = spanBehind(query, time, bucket);
    const search: FactsSearch = { metric: name, from: rfc3339(from), until: rfc3339(until) };
    for (const [label, value] of Object.entries(wanted)) {
      if (!notOfFacts.has(label) && value !== "") search[`label.${label}`] = value;
    }
    return search;
  }
  return null;
}

/**
 * The time whose facts a value counts. A range is open on its left, and a count is stamped with the beginning of what
 * it covers: so the first bucket is the one after the range's left edge, and the last one ends after its right edge.
 */
export function spanBehind(query: string, time: number, { bucket, looksBack }: Covered): Span {
  const tokens = lex(query);
  const open = tokens.findIndex((token) => token.text === "[");
  const range = readDuration(tokens.slice(open + 1).find((token) => token.kind === "duration")?.text ?? "");
  const length = open < 0 || range === null ? lookBack : range;
  if (bucket === 0) return { from: time - length, until: time };
  const until = (Math.floor(time / bucket) + 1) * bucket;
  // The newest of several levels says how it stands, whatever range it was looked for in.
  if (looksBack > bucket) return { from: until - looksBack, until };
  return { from: (Math.floor((time - length) / bucket) + 1) * bucket, until };
}

function rfc3339(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
