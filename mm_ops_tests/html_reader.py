"""A page, taken apart again: its elements, its words, and whether it needs anything from elsewhere."""

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "wbr", "img", "input", "hr", "link"}


class Reader(HTMLParser):
    """Collects elements and visible text, and refuses tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "title"}:
            self.text.append(data)

    def words(self) -> str:
        return " ".join("".join(self.text).split())


def read_html(page: bytes) -> Reader:
    reader = Reader()
    reader.feed(page.decode())
    reader.close()
    assert reader.open == []
    return reader


def needs_nothing(page: bytes) -> None:
    """No script, no event, no address but places in the page itself and the name of SVG."""
    reader = read_html(page)
    tags = {tag for tag, _ in reader.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    for _, attributes in reader.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        assert (attributes.get("href") or "#").startswith("#")
    assert set(re.findall(r"url\((.)", page.decode())) <= {"#"}
    assert set(re.findall(r"https?://[^\"' ]+", page.decode())) <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in page.decode()


def in_order(whole: str, *parts: str) -> bool:
    found = [whole.find(part) for part in parts]
    return -1 not in found and found == sorted(found)


def luminance(colour: str) -> float:
    """Source: WCAG 2.1, relative luminance."""
    full = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(full[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
