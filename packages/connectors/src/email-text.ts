import { escapeHtml } from './html-text.ts';
import type { Notice } from './notice.ts';

/** A notice as plain text of an email. */
export function emailText({ lines, facts, links }: Notice): string {
  const parts = [
    lines.join('\n'),
    facts.map(({ name, value }) => `${name}: ${value}`).join('\n'),
    links.map(({ title, url }) => `${title}: ${url}`).join('\n'),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** A notice as HTML of an email: no images, scripts or styles from elsewhere. */
export function emailHtml({ title, emoji, color, lines, facts, links }: Notice): string {
  const rows = facts.map(
    ({ name, value }) =>
      `<tr><td style="padding:2px 12px 2px 0;color:#555">${escapeHtml(name)}</td><td style="padding:2px 0">${escapeHtml(value)}</td></tr>`,
  );
  const anchors = links.map(({ title: text, url }) => `<a href="${escapeHtml(url)}">${escapeHtml(text)}</a>`);
  return [
    '<!doctype html><html><body style="font-family:sans-serif;font-size:15px;line-height:1.5;color:#222">',
    `<div style="border-left:4px solid ${color};padding:4px 0 4px 14px">`,
    `<p style="margin:0 0 8px;font-weight:bold">${emoji} ${escapeHtml(title)}</p>`,
    ...lines.map((line) => `<p style="margin:0 0 8px">${escapeHtml(line)}</p>`),
    ...(rows.length === 0 ? [] : [`<table style="border-collapse:collapse">${rows.join('')}</table>`]),
    ...(anchors.length === 0 ? [] : [`<p style="margin:8px 0 0">${anchors.join(' · ')}</p>`]),
    '</div></body></html>',
  ].join('\n');
}
