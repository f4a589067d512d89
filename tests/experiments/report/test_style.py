"""The page's looks: balanced, light and dark, legible."""

import re

from experiments.report.page import STYLE


def declared(block: str) -> set[str]:
    return set(re.findall(r"(--[a-z-]+):", block))


def test_braces_are_balanced():
    assert STYLE.count("{") == STYLE.count("}")


def test_every_colour_has_a_light_and_a_dark_form():
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    assert declared(light) == declared(dark)
    assert set(re.findall(r"var\((--[a-z-]+)\)", STYLE)) == declared(light)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    ]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_text_can_be_told_from_its_ground():
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL):
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        pairs = [("text", "ground"), ("soft", "ground"), ("link", "ground")]
        pairs += [("text", "raised")]
        pairs += [(name, f"{name}-ground") for name in ("holds", "fails", "unknown")]
        for text, ground in pairs:
            low, high = sorted(luminance(colours[name]) for name in (text, ground))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ground)


def test_it_is_made_for_narrow_screens_and_for_paper():
    assert "@media print" in STYLE
    assert re.search(r"\.wide \{[^}]*overflow-x: auto", STYLE)
    assert re.search(r"img \{[^}]*max-width: 100%", STYLE)
