"""How the page looks: in light and in dark, on narrow screens, on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --text: #1d2125; --soft: #59636e; --ground: #ffffff; --raised: #f4f6f8;
  --line: #d5dae0; --link: #0b57b0;
  --holds: #0d6b38; --holds-ground: #dcf3e4;
  --fails: #a01722; --fails-ground: #fbe1e3;
  --unknown: #6b4e00; --unknown-ground: #faeecb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e4e8ec; --soft: #a3adb8; --ground: #15181c; --raised: #1f242a;
    --line: #3a424b; --link: #7db7ff;
    --holds: #8fe0b0; --holds-ground: #123a24;
    --fails: #ff9aa3; --fails-ground: #481a1f;
    --unknown: #f0cf7a; --unknown-ground: #40330f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 66rem;
  font: 1rem/1.55 system-ui, sans-serif; color: var(--text); background: var(--ground);
}
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 0.5rem; }
h2 {
  font-size: 1.4rem; line-height: 1.25; margin: 3rem 0 0.75rem; padding-top: 0.75rem;
  border-top: 1px solid var(--line);
}
h3 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
p { max-width: 46rem; margin: 0.6rem 0; }
a { color: var(--link); }
.soft, figcaption, caption, .evidence { color: var(--soft); font-size: 0.9rem; }
pre {
  overflow-x: auto; padding: 0.7rem 0.9rem; border-radius: 0.4rem;
  background: var(--raised); font-size: 0.85rem;
}
.wide { overflow-x: auto; margin: 1.2rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; }
caption { text-align: left; padding-bottom: 0.4rem; max-width: 46rem; }
th, td {
  padding: 0.3rem 0.7rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top;
}
th { background: var(--raised); vertical-align: bottom; }
td { white-space: nowrap; }
th.number, td.number { text-align: right; }
td.number { font-variant-numeric: tabular-nums; }
td.words { white-space: normal; min-width: 18rem; }
figure { margin: 1.5rem 0; }
img {
  display: block; max-width: 100%; height: auto; background: #ffffff;
  border: 1px solid var(--line); border-radius: 0.4rem;
}
figcaption { margin-top: 0.4rem; max-width: 46rem; }
ul.findings { list-style: none; padding: 0; }
ul.findings li { margin: 0.8rem 0; max-width: 52rem; }
.badge {
  display: inline-block; padding: 0 0.5rem; border-radius: 0.8rem; font-size: 0.8rem;
  font-weight: 600; white-space: nowrap;
}
.holds { color: var(--holds); background: var(--holds-ground); }
.fails { color: var(--fails); background: var(--fails-ground); }
.unknown { color: var(--unknown); background: var(--unknown-ground); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.2rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  dl { grid-template-columns: 1fr; }
  dt { margin-top: 0.4rem; }
}
@media print {
  body { max-width: none; font-size: 10pt; color: #000000; background: #ffffff; }
  .wide { overflow: visible; }
  table { font-size: 8pt; }
  th, td { padding: 0.15rem 0.35rem; }
  td { white-space: normal; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  figure, tr, li { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
"""
