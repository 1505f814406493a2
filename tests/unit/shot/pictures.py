"""Grids that the tests of pictures draw."""

from __future__ import annotations

from tui.shot.cells import Grid, Ink, Run

INK = Ink("#222222", "#ffffff")

SCRIPTS = {
    "latin": "abcd",
    "han": "中文",
    "traditional": "圖書",
    "kana": "カな",
    "kanji": "気円",
    "hangul": "한국",
    "full-width": "ＡＢ",
    "punctuation": "，。",
    "brackets": "《》",
    "cyrillic": "Жщюя",
    "greek": "Ωαβγ",
    "accents": "éñüß",
    "combining": "e\u0301o\u0308a\u0302n\u0303",
    "circled": "①②③④",
    "stars": "★☆●○",
    "quotes": "“”‘’",
    "dashes": "—…·–",
    "box": "─┼═╬",
    "blocks": "█▒░▁",
    "braille": "⣿⠿⠁⡇",
    "arrows": "↑↓→⇄",
    "mathematics": "∑∫ℝⁿ",
    "emoji": "🚀✅",
    "rare emoji": "🦄🧬",
    "flag": "🇨🇳ab",
    "rare han": "𠮷𪚥",
    "family": "👨‍👩‍👧ab",
}


def grid(*rows: str, ink: Ink = INK, width: int = 0) -> Grid:
    from rich.cells import cell_len

    runs = tuple((Run(row, ink),) for row in rows)
    return Grid(width or max(cell_len(row) for row in rows), runs, ink.foreground, ink.background)


def sampler() -> Grid:
    """A little of everything that pictures show."""
    table = ("┌──────┬──────┐", "│ 名字 │ size │", "├──────┼──────┤", "│ 量化 │ 1.44 │", "└──────┴──────┘")
    kinds = (
        Run("plain 文本 ", INK),
        Run("bold 粗", INK._replace(bold=True)),
        Run(" link链接", INK._replace(underline=True, foreground="#0055cc")),
        Run(" gone删", INK._replace(strike=True, foreground="#808080")),
    )
    bar = (
        Run("████████", Ink("#56b4e9", "#ffffff")),
        Run("▒▒▒▒▓▓", Ink("#e69f00", "#102030")),
        Run("░░░░····", Ink("#cc79a7", "#ffffff")),
        Run("▁▂▃▄▅▆▇", INK),
    )
    rows = [kinds, *[(Run(line, INK),) for line in table], bar, (Run("한 🚀 < & > \"'", INK),), ()]
    return Grid(44, tuple(rows), INK.foreground, INK.background)
