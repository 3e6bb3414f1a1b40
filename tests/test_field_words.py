"""Code, messages and pages use the terms of the field (docs/architecture.md has the glossary).

Each rule has a former word of this project and the term that replaced it. Legitimate uses of the
same letters are allowed by phrase. Run as a script it lists the hits below some paths:

    python tests/test_field_words.py siteems/control docs/control.md
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = (
    "*.py",
    "docs/*.md",
    "README.md",
    "CHANGELOG.md",
    "seeds/*.md",
    "seeds/**/*.toml",
    "seeds/*.toml",
    "drivers/maps/*.toml",
    "pyproject.toml",
    "Makefile",
)


@dataclass(frozen=True)
class Rule:
    """A word that must not occur, unless it is part of an allowed phrase."""

    word: str
    """Regular expression; matched between characters that are not letters, in any case."""
    instead: str
    allowed: Sequence[str] = ()
    """Regular expressions of legitimate phrases; a blank stands for an underscore too."""


RULES = (
    Rule(
        "calls?",
        "DR event",
        (
            r"function calls?",
            r"system calls?",
            r"call_(?:soon|later)",
            r"__call__",
            r"\bcalls?[(:]",
            r"ast\.Call",
            r"calls what",
            r"no-untyped-call",
            r"\bto call\b",
            r"\bcalls? (?:it|them|this|that|each|`)",
            r"(?:one|three|few|all|kinds of\*?) calls?",
            r"(?:refused|same) a? ?call",
            r"(?:source|manufacturer|maker) calls",
            r"\bcalls (?:one|the) function",
            r"call sites?",
            r"calls? (?:of|to|into|it|from) ",
            r"(?:each|every|per|a|the) calls? (?:raises|returns|of|to|that|hands)",
            r"subprocess\.\w+",
            r"mock\.call",
            r"pragma",
        ),
    ),
    Rule("dear|dearer|dearest|dearly", "expensive"),
    Rule(
        "sun|suns",
        "PV",
        (
            r"\bSun\b",
            r"sun2000",
            r"\bSunS\b",
            r"low sun",
            r"sun'?s? (?:position|elevation|angle)",
        ),
    ),
    Rule(r"reckon\w*", "compute, estimate"),
    Rule("levers?", "battery command, current limit, setpoint"),
    Rule("claim|claims|claimed|claiming", "acquire (a device), constraint (of a plan)"),
    Rule("rungs?|ladder", "fallback level"),
    Rule(
        "told|tells?|telling",
        "reported, notes, message",
        (
            r"tells? (?:\w+ ){0,3}apart",
            r"told apart",
            r"telling (?:\w+ ){0,3}apart",
            r"tells? .{1,30} from",
        ),
    ),
    Rule("said|saying", "reported, notes, message"),
    Rule("watch|watches|watched|watching|watcher", "monitor, alarm"),
    Rule(r"believ\w*", "plausible, accepted"),
    Rule(r"foresee\w*|foresaw", "forecast, predicted, planned"),
    Rule("knowing", "perfect foresight"),
    Rule(r"obey\w*|disobey\w*", "follow (its setpoint)"),
    Rule(
        "places?",
        "index, slice, position, key path",
        (
            r"in(?: |-)place",
            r"(?:in|the) (?:one|only) place",
            r"in (?:the )?place of",
            r"(?:takes?|took) (?:the |its )?place",
            r"decimal places?",
            r"to place",
            r"place an? ",
            r"places? (?:an event|events)",
            r"place_(?:import_limit|event)",
        ),
    ),
    Rule(
        "words?",
        "message, text, options, arguments",
        (
            r"(?:register|16-bit|32-bit|high|low|first|second|data) words?",
            r"words? (?:order|swap|exchanged)",
            r"within a word",
            r"word_(?:order|swap|first|low|high)",
            r"word-swap",
            r"field'?s words",
            r"words? (?:has|have|of) 16 bits",
            r"test_field_words",
        ),
    ),
    Rule("mistakes?|mistaken", "error, validation error"),
    Rule("books?|booked", "tariff schedule"),
    Rule("worth", "value, marginal value", (r"worth an? ",)),
    Rule("whoever|nobody|somebody", "name the part of the system"),
    Rule(r"another hand|what stands there|what there is", "name the thing"),
)
REGISTERS = ("drivers", "command_sites.py", "modbus_rig.py", "sunspec_rig.py")
"""Folders and files in which a word is the content of a register."""
FORMER = (
    "siteems/history/former_codes.py",
    "siteems/site/former_keys.py",
    "tests/history/test_former_record.py",
    "tests/site/test_former_keys.py",
)
"""Files with the codes and texts of earlier versions, which are in old records."""


def files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *FILES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    spared = {Path(__file__), *(ROOT / name for name in FORMER)}
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name) not in spared]


def below(folders: Sequence[str]) -> list[Path]:
    tops = [ROOT / folder for folder in folders]
    return [path for path in files() if any(path == top or top in path.parents for top in tops)]


def hits(rule: Rule, paths: Sequence[Path]) -> Iterator[str]:
    word = re.compile(rf"(?<![a-zA-Z])(?:{rule.word})(?![a-zA-Z])", re.IGNORECASE)
    phrases = "|".join(rule.allowed).replace(" ", "[ _]")
    allowed = re.compile(phrases, re.IGNORECASE) if phrases else None
    for path in paths:
        if not path.exists() or (rule.word == "words?" and set(REGISTERS) & set(path.parts)):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            rest = allowed.sub(" ", line) if allowed is not None else line
            if path.name == "CHANGELOG.md":
                rest = re.sub(r"`[^`]*`", " ", rest)  # former commands, keys and codes
            if word.search(rest):
                yield f"{path.relative_to(ROOT)}:{number}: {line.strip()}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.word.split("|")[0].rstrip("?"))
def test_former_words_do_not_occur(rule: Rule) -> None:
    found = list(hits(rule, files()))
    assert not found, f"use: {rule.instead}\n" + "\n".join(found)


def test_a_rule_finds_its_word_and_spares_the_allowed_phrases(tmp_path: Path) -> None:
    page = ROOT / "tests" / "words.tmp"
    try:
        page.write_text(
            "a ladder\nthe_ladder_of\nLadder\nin place of\nplace = 1\nbladder\n", encoding="utf-8"
        )
        by_word = {rule.word: rule for rule in RULES}
        assert len(list(hits(by_word["rungs?|ladder"], [page]))) == 3
        (place,) = hits(by_word["places?"], [page])
        assert place.endswith(":5: place = 1")
    finally:
        page.unlink()


if __name__ == "__main__":
    for each in RULES:
        for hit in hits(each, below(sys.argv[1:]) if sys.argv[1:] else files()):
            print(f"{hit}   [{each.instead}]")
