/**
 * Search parameters: what may stand in a view's address beside its path. A schema gives each parameter its reader, and
 * what is absent, empty or not valid is undefined: it never becomes text.
 */
import { readMoment } from "./time/range";
import { readDuration } from "./time/step";

/** Gives what a parameter says; undefined where it says nothing valid. */
export type SearchReader<Value> = (said: unknown) => Value | undefined;

/** What a schema's readers give. */
export type SearchOf<Schema> = { [Name in keyof Schema]?: Schema[Name] extends SearchReader<infer Value> ? Value | undefined : never };

export const string: SearchReader<string> = (said) => (typeof said === "string" && said !== "" ? said : undefined);

export const positiveInteger: SearchReader<number> = (said) => (/^[1-9]\d{0,14}$/.test(String(said)) ? Number(said) : undefined);

/** Text that `isValid` lets pass. */
const stringWhere = (isValid: (text: string) => boolean): SearchReader<string> => (said) => {
  const text = string(said);
  return text !== undefined && isValid(text) ? text : undefined;
};

/** `now-7d` or a moment of the calendar. */
export const moment = stringWhere((text) => readMoment(text, 0, false) !== null);

/** As PromQL writes it: `90s`, `1d`. */
export const duration = stringWhere((text) => readDuration(text) !== null);

export function oneOf<const Word extends string>(...words: readonly Word[]): SearchReader<Word> {
  return (said) => words.find((word) => word === said);
}

/** The order and the filter of a table. */
export const tableSchema = { sort: string, filter: string };
/** A time range. */
export const rangeSchema = { from: moment, to: moment };

/** Parameters whose names are not known beforehand, as `var-project` is: all that begin with the prefix. */
type Prefixed<Prefix extends string> = { [Name in `${Prefix}${string}`]?: string | undefined };

/** Reads a route's search parameters; those that it does not know are not read. */
export function readSearch<const Schema extends Record<string, SearchReader<unknown>>, const Prefix extends string = never>(schema: Schema, prefix?: Prefix) {
  return (search: Record<string, unknown>): SearchOf<Schema> & Prefixed<Prefix> => {
    const known = Object.entries(schema).map(([name, read]) => [name, read(search[name])]);
    const prefixed = prefix === undefined ? [] : Object.entries(search).flatMap(([name, said]) => (name.startsWith(prefix) ? [[name, string(said)]] : []));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the readers give what their types say
    return Object.fromEntries([...known, ...prefixed]) as SearchOf<Schema> & Prefixed<Prefix>;
  };
}
