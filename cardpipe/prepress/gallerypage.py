"""The gallery as one HTML page: designs by occasion, on plain ground, in dark and in light. No script, nothing loaded
from elsewhere; its pictures lie beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_CSS = """
:root { color-scheme: light dark;
  --ground: #f6f5f2; --words: #26282e; --faint: #63666d; --line: #d9d7d1; --mark: #14455b; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #1b1d21; --words: #e8e6e1; --faint: #a3a6ad; --line: #383b42; --mark: #8fc3d8; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--words); font: 16px/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 82rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 3rem; }
h1 { font-size: 2.1rem; font-weight: 600; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: .85rem; font-weight: 600; letter-spacing: .12em; text-transform: uppercase; color: var(--mark);
     border-top: 1px solid var(--line); padding-top: 1.2rem; margin: 3.5rem 0 1.5rem; }
h3 { font-size: 1.3rem; font-weight: 600; margin: 0; }
p { margin: 0 0 .5rem; }
.lead, .name, dt { color: var(--faint); }
.name { font: .85rem ui-monospace, monospace; margin: .1rem 0 .8rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; padding: 0; margin: 1.2rem 0 0; }
a { color: var(--mark); text-underline-offset: .2em; }
a:focus-visible { outline: 2px solid var(--mark); outline-offset: 3px; }
article { display: grid; grid-template-columns: minmax(0, 1fr) 17rem; gap: 1.5rem 2.5rem; margin: 0 0 3.5rem;
          align-items: start; }
.cards { display: flex; gap: 1.4rem; align-items: flex-end; }
figure { margin: 0; min-width: 0; }
figure img { display: block; width: 100%; height: auto; background: #fff; border-radius: 1px;
             box-shadow: 0 1px 2px rgb(0 0 0 / .25), 0 8px 24px rgb(0 0 0 / .16); }
figcaption { font-size: .8rem; color: var(--faint); margin-top: .6rem; }
dl { margin: 0; font-size: .9rem; }
dt { font-size: .78rem; margin-top: .5rem; }
dd { margin: 0; }
footer { color: var(--faint); font-size: .85rem; padding-bottom: 3rem; }
@media (max-width: 58rem) { article { grid-template-columns: 1fr; } }
@media print { article { break-inside: avoid; } nav { display: none; } }
""".strip()

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file:; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class View:
    """A picture beside the page: its file, what it shows, its size in pixels, and how large it stands beside others."""

    file: str
    shows: str
    width: int
    height: int
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One design of the page: what it is called, its pictures, and its limits by name."""

    name: str
    title: str
    occasion: str
    views: Sequence[View]
    limits: Sequence[tuple[str, str]]


def spoken(occasion: str) -> str:
    """An occasion as a heading: ``thank-you`` → Thank you."""
    words = occasion.replace("-", " ")
    return words[:1].upper() + words[1:]


def by_occasion(entries: Sequence[Entry]) -> Mapping[str, list[Entry]]:
    """The entries under their first occasion, both in the order of the alphabet."""
    groups: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.occasion, entry.name)):
        groups.setdefault(entry.occasion, []).append(entry)
    return groups


def page(entries: Sequence[Entry], title: str = "Card designs") -> str:
    """The whole page."""
    groups = by_occasion(entries)
    links = "\n".join(f'<li><a href="#{escape(name)}">{escape(spoken(name))}</a></li>' for name in groups)
    sections = "\n".join(_section(name, found) for name, found in groups.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title>
<style>
{_CSS}
</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<p class="lead">{len(entries)} designs for {len(groups)} occasions, each as a finished card.</p>
<nav aria-label="Occasions"><ul>
{links}
</ul></nav>
</header>
<main>
{sections}
</main>
<footer>
<p>Made by <code>cardpipe design gallery</code>. An order names a design by the name below its title.</p>
</footer>
</body>
</html>
"""


def _section(occasion: str, entries: Sequence[Entry]) -> str:
    articles = "\n".join(_article(entry) for entry in entries)
    return f'<section id="{escape(occasion)}">\n<h2>{escape(spoken(occasion))}</h2>\n{articles}\n</section>'


def _article(entry: Entry) -> str:
    figures = "\n".join(_figure(entry, view) for view in entry.views)
    limits = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in entry.limits)
    return f"""<article>
<div class="cards">
{figures}
</div>
<div>
<h3>{escape(entry.title)}</h3>
<p class="name">{escape(entry.name)}</p>
<dl>
{limits}
</dl>
</div>
</article>"""


def _figure(entry: Entry, view: View) -> str:
    """Each picture takes its share of the row, so that all of one scale stand at one scale."""
    alt = f"{entry.title}: {view.shows}"
    return (
        f'<figure style="flex: {view.width * view.scale:.0f} 1 0"><img src="{escape(view.file)}" width="{view.width}" '
        f'height="{view.height}" alt="{escape(alt)}" loading="lazy">'
        f"<figcaption>{escape(view.shows)}</figcaption></figure>"
    )
