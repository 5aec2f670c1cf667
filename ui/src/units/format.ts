/** Figures with their unit, by the names that Grafana has for units. */

export interface Shown {
  unit: string;
  /** Digits after the point; null leaves it to the figure's size. */
  decimals: number | null;
}

/** Factor to the next larger unit, and the names from small to large. */
interface Ladder {
  names: readonly string[];
  factors: readonly number[];
}

const thousands: Ladder = { names: ["", " k", " M", " G", " T"], factors: [1, 1e3, 1e6, 1e9, 1e12] };
const powers = (base: number, count: number) => Array.from({ length: count }, (_, index) => base ** index);
const ladder = (base: number, ...names: string[]): Ladder => ({ names: names.map((name) => ` ${name}`), factors: powers(base, names.length) });
const time: Ladder = {
  names: [" ns", " µs", " ms", " s", " min", " h", " d", " years"],
  factors: [1e-9, 1e-6, 1e-3, 1, 60, 3600, 86_400, 365.25 * 86_400],
};

const ladders: Record<string, Ladder> = {
  short: thousands,
  bytes: ladder(1024, "B", "KiB", "MiB", "GiB", "TiB"),
  decbytes: ladder(1000, "B", "kB", "MB", "GB", "TB"),
  bits: ladder(1024, "b", "Kib", "Mib", "Gib", "Tib"),
  decbits: ladder(1000, "b", "kb", "Mb", "Gb", "Tb"),
  Bps: ladder(1000, "B/s", "kB/s", "MB/s", "GB/s", "TB/s"),
  binBps: ladder(1024, "B/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s"),
  bps: ladder(1000, "b/s", "kb/s", "Mb/s", "Gb/s", "Tb/s"),
  hertz: ladder(1000, "Hz", "kHz", "MHz", "GHz", "THz"),
};

/** Units of time in seconds. */
const times: Record<string, number> = { ns: 1e-9, µs: 1e-6, ms: 1e-3, s: 1, seconds: 1, m: 60, h: 3600, d: 86_400, dtdurations: 1, clocks: 1 };
/** How many seconds one of this unit is; undefined for what is no unit of time. */
export function secondsIn(unit: string): number | undefined {
  return times[unit];
}

/** Counted things for each of something. */
const rates: Record<string, string> = { ops: "ops/s", reqps: "req/s", rps: "reads/s", wps: "writes/s", iops: "io/s", cps: "/s", opm: "ops/min", rpm: "/min", cpm: "/min", pps: "packets/s" };

export function format(value: number | null | undefined, { unit, decimals }: Shown): string {
  if (value == null || Number.isNaN(value)) return "no data";
  if (value === Number.POSITIVE_INFINITY) return "∞";
  if (value === Number.NEGATIVE_INFINITY) return "−∞";
  const length = times[unit];
  if (length !== undefined) return onLadder(value * length, time, decimals, 3);
  const known = ladders[unit];
  if (known !== undefined) return onLadder(value, known, decimals, 0);
  switch (unit) {
    case "":
    case "none":
    case "locale":
    case "string":
    case "count":
    case "1":
      return grouped(value, decimals);
    case "percent":
      return `${rounded(value, decimals ?? fitting(value))} %`;
    case "percentunit":
    case "ratio":
      return `${rounded(value * 100, decimals ?? fitting(value * 100))} %`;
    case "bool":
      return value === 0 ? "false" : "true";
    case "bool_yes_no":
      return value === 0 ? "no" : "yes";
    case "bool_on_off":
      return value === 0 ? "off" : "on";
    case "celsius":
      return `${grouped(value, decimals)} °C`;
    case "dateTimeAsIso":
    case "dateTimeFromNow":
    case "dateTimeAsLocal":
      return new Date(value).toISOString().replace("T", " ").slice(0, 19);
    default:
      return otherwise(value, unit, decimals);
  }
}

function otherwise(value: number, unit: string, decimals: number | null): string {
  const rate = rates[unit];
  if (rate !== undefined) return onLadder(value, { ...thousands, names: thousands.names.map((name) => `${name} ${rate}`) }, decimals, 0);
  const [kind, rest] = [unit.slice(0, unit.indexOf(":")), unit.slice(unit.indexOf(":") + 1)];
  if (kind === "prefix") return `${rest}${grouped(value, decimals)}`;
  const name = kind === "suffix" || kind === "si" ? rest.trim() : unit;
  const currency = /^currency([A-Z]{3})$/.exec(name)?.[1];
  if (currency !== undefined) return `${grouped(value, decimals)} ${currency}`;
  return `${grouped(value, decimals)} ${name}`;
}

function onLadder(value: number, { names, factors }: Ladder, decimals: number | null, zero: number): string {
  if (value === 0) return `0${names[zero]}`;
  const size = Math.abs(value);
  let step = 0;
  // A figure that would be rounded up to the next unit is written in that unit.
  for (let index = 0; index < factors.length; index += 1) if (size >= (factors[index] ?? 1) * 0.9995) step = index;
  const scaled = value / (factors[step] ?? 1);
  const digits = decimals ?? (step === 0 && Number.isInteger(value) ? 0 : fitting(scaled));
  return `${rounded(scaled, digits)}${names[step]}`;
}

/** Three digits that say something. */
function fitting(value: number): number {
  const size = Math.abs(value);
  if (size >= 99.95 || size === 0) return 0;
  if (size >= 9.995) return 1;
  return size >= 0.1 ? 2 : Math.min(8, 1 - Math.floor(Math.log10(size)));
}

const digits = (least: number, most: number) =>
  new Intl.NumberFormat("en-GB", { minimumFractionDigits: least, maximumFractionDigits: most });
const formats = new Map<string, Intl.NumberFormat>();

function numbers(least: number, most: number): Intl.NumberFormat {
  const key = `${least} ${most}`;
  const known = formats.get(key) ?? digits(least, most);
  formats.set(key, known);
  return known;
}

/** Zeros at the end are left out: 1.50 is 1.5. */
function rounded(value: number, decimals: number): string {
  return numbers(0, Math.min(20, decimals)).format(value);
}

function grouped(value: number, decimals: number | null): string {
  if (decimals !== null) return numbers(decimals, decimals).format(value);
  return Number.isInteger(value) ? numbers(0, 0).format(value) : rounded(value, fitting(value));
}

/** The unit that Grafana would use for what the server says of a metric. */
export function unitOfMetric(unit: string | null | undefined): string {
  switch (unit) {
    case "seconds":
      return "s";
    case "bytes":
      return "decbytes";
    case "ratio":
      return "percentunit";
    default:
      return "short";
  }
}
