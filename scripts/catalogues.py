"""Message catalogues: extract, update, check, compile.

``python scripts/catalogues.py update``   merges new strings into every catalogue and drops stale ones.
``python scripts/catalogues.py check``    exits 1 when a string is missing, stale, untranslated or breaks a placeholder.
``python scripts/catalogues.py compile`` writes the .mo files (an install does the same).
"""

from __future__ import annotations

import re
import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from hatch_build import compile_catalogues  # noqa: E402

LOCALE = ROOT / "tui" / "i18n" / "locale"
CATALOGUES = {"zh_CN": LOCALE / "zh_CN" / "LC_MESSAGES" / "lmdeck.po"}
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
HEADER = "# Simplified Chinese of lmdeck.\n# This file is distributed under the same licence as lmdeck."
UNUSED = re.compile(
    r'"(POT-Creation-Date|PO-Revision-Date|Generated-By|Report-Msgid-Bugs-To|Last-Translator|Language-Team):[^\n]*\n'
)
PLACEHOLDER = re.compile(r"\{[a-z_]+\}")


def extracted() -> Catalog:
    """Every marked string of the package, with the files it stands in."""
    catalogue = Catalog(project="lmdeck", charset="utf-8")
    for file, _line, message, _comments, context in extract_from_dir(
        str(ROOT / "tui"), method_map=[("**.py", "python")], keywords=KEYWORDS
    ):
        if message:
            catalogue.add(message, locations=[(f"tui/{file}", 0)], context=context)
    return catalogue


def load(path: Path) -> Catalog:
    if not path.exists():
        return Catalog(locale="zh_CN", project="lmdeck", charset="utf-8")
    return read_po(BytesIO(path.read_bytes()), locale="zh_CN")


def save(path: Path, catalogue: Catalog) -> None:
    """Write a catalogue without what changes by itself or says nothing: dates, tools, babel's placeholders."""
    catalogue.project, catalogue.version, catalogue.fuzzy = "lmdeck", "", False
    catalogue.header_comment = HEADER
    stream = BytesIO()
    write_po(stream, catalogue, width=120, sort_output=True, include_lineno=False, omit_header=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = UNUSED.sub("", stream.getvalue().decode()).replace("lmdeck \\n", "lmdeck\\n", 1)
    path.write_bytes(text.encode())


def update() -> int:
    template = extracted()
    for path in CATALOGUES.values():
        catalogue = load(path)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        save(path, catalogue)
        print(f"{path.relative_to(ROOT)}: {sum(1 for item in catalogue if item.id and not item.string)} untranslated")
    return 0


def forms(value: str | tuple[str, ...] | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def problems() -> list[str]:
    """What is wrong with the catalogues, one sentence each."""
    template = extracted()
    wanted = {item.id if isinstance(item.id, str) else item.id[0] for item in template if item.id}
    found: list[str] = []
    for language, path in CATALOGUES.items():
        catalogue = load(path)
        have = {(item.id if isinstance(item.id, str) else item.id[0]): item for item in catalogue if item.id}
        found += [f"{language}: missing {key!r}" for key in sorted(wanted - have.keys())]
        found += [f"{language}: stale {key!r}" for key in sorted(have.keys() - wanted)]
        for key in sorted(wanted & have.keys()):
            item = have[key]
            strings = forms(item.string or "")
            if not all(strings) or item.fuzzy:
                found.append(f"{language}: untranslated {key!r}")
                continue
            allowed = {name for text in forms(item.id) for name in PLACEHOLDER.findall(text)}
            found += [
                f"{language}: unknown placeholder in {key!r}"
                for text in strings
                if not set(PLACEHOLDER.findall(text)) <= allowed
            ]
    return found


def check() -> int:
    found = problems()
    print("\n".join(found) if found else "catalogues are complete")
    return 1 if found else 0


def compile_all() -> int:
    for path in compile_catalogues(ROOT):
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    commands = {"update": update, "check": check, "compile": compile_all}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        raise SystemExit(__doc__)
    raise SystemExit(commands[sys.argv[1]]())
