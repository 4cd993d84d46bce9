const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** Control characters and bidi overrides: they show nothing, and can make a text read as another. */
const UNSHOWN = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]+/gu;

/** Text of anyone without what does not show; not escaped. */
export function shownText(text: string): string {
  return text.replace(UNSHOWN, ' ');
}

/** Text of anyone, made safe between tags and inside a quoted attribute. */
export function escapeHtml(text: string): string {
  return shownText(text).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

/** The style of every page: light or dark as the reader prefers, one column, and black on white in print. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--ink:#1c2128;--quiet:#57606a;--paper:#fff;--line:#d8dee4;--band:#f6f8fa;--link:#0067a6}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--quiet:#9ea7b3;--paper:#0d1117;--line:#30363d;--band:#161b22;--link:#58b5f0}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:2rem 1.25rem 4rem;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.75rem;line-height:1.25;margin:.25rem 0 1.5rem}
h2{font-size:1.25rem;margin:2.5rem 0 .75rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.75rem 0 .5rem}
a{color:var(--link)}
ul{padding-left:1.25rem;margin:.5rem 0}
li{margin:.2rem 0}
ul.boxes{list-style:none;padding-left:.25rem}
.box{display:inline-block;width:1.5em}
dl{display:grid;grid-template-columns:minmax(9rem,14rem) 1fr;gap:.3rem 1rem;margin:.5rem 0}
dt{color:var(--quiet)}
dd{margin:0}
.scroll{overflow-x:auto;margin:.75rem 0}
table{border-collapse:collapse;width:100%;font-size:.94rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line);overflow-wrap:normal}
th{color:var(--quiet);font-weight:600}
td{font-variant-numeric:tabular-nums}
time,.figure{white-space:nowrap}
figure{margin:1rem 0}
figure svg{max-width:100%;height:auto;border:1px solid var(--line);border-radius:6px}
nav,footer{color:var(--quiet);font-size:.9rem}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:0;margin:0}
footer{margin-top:3rem;border-top:1px solid var(--line);padding-top:.75rem}
@media (max-width:40rem){dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 .5rem}}
@media print{body{max-width:none;padding:0;font-size:11pt}nav{display:none}h2,h3{break-after:avoid}tr,figure,dl,li{break-inside:avoid}.scroll{overflow:visible}}
`;

/** A whole page without scripts or anything from elsewhere. `body` is HTML already. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`;
}
