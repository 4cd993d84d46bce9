/**
 * Charts as SVG text: `lineChart` for values over time with their intervals and limits, `barChart` for values beside each
 * other. A chart is a complete SVG document that can be written to a file or put into a page: readable on light and dark,
 * without fonts, scripts or anything from elsewhere, all text escaped, with a title and a description for people who do not
 * see it.
 */
export type { Axis } from './axis.ts';
export { type Bar, type BarChart, barChart } from './bar-chart.ts';
export type { ChartText } from './frame.ts';
export { type LineChart, type LineSeries, lineChart, type Point, type Reference } from './line-chart.ts';
