/** Figures, spans and counts in words. */

/** "3 min 12 s": the two largest units that say something. Takes seconds. */
export function inWords(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return two(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 86_400) return two(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  return two(Math.floor(whole / 86_400), "d", Math.floor((whole % 86_400) / 3600), "h");
}

/** As `inWords`, but below ten seconds with a tenth or in milliseconds: for what is over and was quick. */
export function preciselyInWords(seconds: number): string {
  if (seconds < 0) return "0 s";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  return inWords(seconds);
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** "2 h ago", "in 5 min", "now". Takes seconds since then, negative for what is to come. */
export function agoInWords(seconds: number): string {
  const span = Math.abs(seconds);
  if (span < 5) return "now";
  const text = oneUnit(span);
  return seconds >= 0 ? `${text} ago` : `in ${text}`;
}

function oneUnit(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h`;
  if (seconds < 86_400 * 60) return `${Math.round(seconds / 86_400)} d`;
  if (seconds < 86_400 * 365 * 2) return `${Math.round(seconds / (86_400 * 30.44))} months`;
  return `${Math.round(seconds / (86_400 * 365.25))} years`;
}

const grouped = new Intl.NumberFormat("en-GB", { useGrouping: true });

/** "1,204" */
export function figure(count: number): string {
  return grouped.format(count);
}

/** "1 job", "3 jobs" */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${figure(count)} ${count === 1 ? one : many}`;
}

/** "1.4 MB" */
export function bytesInWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let amount = bytes / 1000;
  let unit = 0;
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${amount < 9.95 ? amount.toFixed(1) : Math.round(amount)} ${units[unit]}`;
}

/** The short form of a commit's id. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 8);
}

/** "Docker" */
export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
