"""Python functions that the demo's brain can write."""

from __future__ import annotations

_REVERSE = """\
def reverse(text: str) -> str:
    return text[::-1]


print(reverse("abc"))  # "cba"
"""
_SUM = """\
def total(numbers: list[int]) -> int:
    result = 0
    for number in numbers:
        result += number
    return result


print(total([1, 2, 3]))  # 6
"""
_PRIME = """\
def is_prime(n: int) -> bool:
    if n < 2:
        return False
    return all(n % d for d in range(2, int(n**0.5) + 1))


print([n for n in range(20) if is_prime(n)])  # [2, 3, 5, 7, 11, 13, 17, 19]
"""
_COUNT = """\
from collections import Counter


def most_common(text: str, n: int = 3) -> list[tuple[str, int]]:
    return Counter(text.lower().split()).most_common(n)


print(most_common("the fox and the melon and the fox"))
"""
_SORT = """\
def quicksort(items: list[int]) -> list[int]:
    if len(items) < 2:
        return items
    pivot, *rest = items
    small = [item for item in rest if item < pivot]
    large = [item for item in rest if item >= pivot]
    return [*quicksort(small), pivot, *quicksort(large)]


print(quicksort([3, 1, 2]))  # [1, 2, 3]
"""
_FIBONACCI = """\
def fibonacci(n: int) -> int:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


print([fibonacci(n) for n in range(10)])  # [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]
"""

_CHOICES = (
    (("revers", "反转", "倒序", "颠倒"), _REVERSE),
    (("sum", "total", "求和", "总和"), _SUM),
    (("prime", "质数", "素数"), _PRIME),
    (("word", "单词", "词频"), _COUNT),
    (("sort", "排序"), _SORT),
    (("fibonacci", "斐波那契"), _FIBONACCI),
)


def snippet(task: str) -> str:
    """The function that fits a task best by a word in it; the last one otherwise."""
    lower = task.lower()
    for words, code in _CHOICES:
        if any(word in lower for word in words):
            return code
    return _FIBONACCI
