// Gathers the figures in a bench run's output: node bench-table.mjs LOG JSON-FILE
import { readFileSync, writeFileSync } from "node:fs";

const [log, file] = process.argv.slice(2);
const figures = readFileSync(log, "utf8")
  .split("\n")
  .filter((line) => line.startsWith('{"'))
  .map((line) => JSON.parse(line))
  .filter((figure) => "name" in figure && "figure" in figure)
  .map(({ name, figure, unit, goal = null, met = null }) => ({ name, figure, unit, goal, met }));

if (figures.length === 0) throw new Error(`${log} holds no figure`);
writeFileSync(file, JSON.stringify(figures, null, 2) + "\n");

const number = (value) => (typeof value === "number" ? value.toLocaleString("en") : (value ?? "none"));
const rows = figures.map(({ name, figure, unit, goal, met }) => [
  name,
  `${number(figure)} ${unit}`,
  goal === null ? "" : `${number(goal)} ${unit}`,
  met === null ? "" : met ? "met" : "missed",
]);
const table = [["", "figure", "goal", ""], ...rows];
const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
const align = (cell, column) => (column === 1 || column === 2 ? cell.padStart(widths[column]) : cell.padEnd(widths[column]));
for (const row of table) console.log(row.map(align).join("  ").trimEnd());
