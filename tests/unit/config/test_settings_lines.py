"""The line a key stands on."""

from __future__ import annotations

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.config.settings_lines import key_lines


def test_lines_of_keys():
    text = '''\
# a comment with = and [brackets]
a = """
b = 1
[c]
"""
d.e = [ # x = 1
  "f = 2", {g = 1},
  \'\'\'
h = 3\'\'\',
]
"quoted.key" = 1
[table]
'x y' = {i = 1, j = "]"}   # k = 1
[[many]]
n = 1
[[many]]
n = 2
o = 2020-01-01 00:00:00
["a.b".c]
z = ""
'''
    tomllib.loads(text)
    assert key_lines(text) == {
        ("a",): 2,
        ("d",): 6,
        ("d", "e"): 6,
        ("quoted.key",): 11,
        ("table",): 12,
        ("table", "x y"): 13,
        ("many",): 14,
        ("many", "n"): 15,
        ("many", "o"): 18,
        ("a.b",): 19,
        ("a.b", "c"): 19,
        ("a.b", "c", "z"): 20,
    }


@settings(deadline=None)
@given(st.text())
def test_lines_of_anything_come_to_an_end(text: str):
    key_lines(text)
