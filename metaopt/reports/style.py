"""Style and script of a page: no file beside it, no network, any width."""

from __future__ import annotations

#: Nothing may be loaded from anywhere: the page is what it holds.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)

CSS = """
:root { color-scheme: light; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: #fff; color: #111;
  font: 1rem/1.45 system-ui, sans-serif; }
h1 { font-size: 1.35rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #999; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .3rem 0; }
.answer { border-left: .4rem solid #111; padding: .2rem .9rem; margin: 1rem 0; }
.answer strong { font-size: 1.6rem; }
.small, figcaption p, td.wide { color: #444; font-size: .88rem; }
.figures, .maps { display: grid; gap: 0 1.6rem; }
.figures { grid-template-columns: repeat(auto-fit, minmax(min(28rem, 100%), 1fr)); }
.maps { grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); }
.figures > *, .maps > * { min-width: 0; }
.figures > .across { grid-column: 1 / -1; }
nav a { margin-right: .9rem; white-space: nowrap; }
nav { line-height: 1.9; }
figure { margin: 0 0 1.2rem; }
.plot { width: 100%; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .25rem .5rem; text-align: right; font-size: .93rem; vertical-align: top;
  border-bottom: 1px solid #ccc; font-variant-numeric: tabular-nums; }
.text, .name { text-align: left; }
.name { white-space: pre-wrap; }
td.number { white-space: nowrap; }
th { border-bottom: 1px solid #111; font-weight: 600; }
@media (max-width: 40rem) { body { padding: .6rem; } .wide { display: none; }
  th, td { padding: .2rem .3rem; font-size: .85rem; } }
@media print { figure { break-inside: avoid; } }
"""

#: On a touch screen a plot must not catch the finger that scrolls the page.
SCRIPT = """
const figures = JSON.parse(document.getElementById("figures").textContent);
const touch = window.matchMedia("(pointer: coarse)").matches;
const drawn = Object.entries(figures).map(([id, figure]) =>
  Plotly.newPlot(id, figure.data, figure.layout,
    { responsive: true, displayModeBar: false, staticPlot: touch }));
Promise.all(drawn).then(() => { document.body.dataset.drawn = drawn.length; });
"""
