"""The page: one file, with the answer first, and nothing from a network."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from metaopt.reports.page import page
from metaopt.reports.plots import sections
from metaopt.reports.validation import Validation


def test_the_page_is_one_file_with_the_answer_first(distorted: Validation) -> None:
    html = page(distorted)
    assert html.count("plotly.js v") == 1 and len(html) < 5.5e6
    body = html[html.index("<body>") :]
    assert body.index("S = ") < body.index("too high (") < body.index('class="plot"')
    assert "3.0 % of the showers are empty" in body
    assert not re.search(r'(?:src|href)="', re.sub(r"<script>.*?</script>", "", body, flags=re.S))
    assert "default-src 'none'" in html  # the browser loads nothing, whatever a script asks for
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', html)[1])
    assert len(figures) == sum(len(s.panels) for s in sections(distorted))
    assert all(f'id="{name}"' in body for name in figures)


def test_names_cannot_break_the_page(perfect: Validation) -> None:
    html = page(replace(perfect, generated_name="<script>alert(1)</script>", notes=("a < b",)))
    assert "<script>alert" not in html and "a &lt; b" in html
    assert "indistinguishable from Geant4 at N = 200" in html
