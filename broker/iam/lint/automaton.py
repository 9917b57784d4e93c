"""What a pattern accepts, worked out instead of guessed: texts that one takes and others do not.

A pattern's tree becomes an automaton (Thompson 1968), and several are walked together, set of
states by set of states, until a text is found or there is none. The work is bounded: patterns come
from callers, and some have exponentially many sets.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from broker.iam.lint.syntax import (
    LAST,
    Chars,
    Choice,
    Edge,
    Node,
    Range,
    Repeat,
    Unfollowed,
    parse,
)
from broker.iam.lint.syntax import Sequence as Items

MAX_STATES: Final = 3_000
WORK: Final = 150_000
"""Steps that linting one identity may take in all: about a quarter of a second."""

_FAVOURED: Final = "x0aA-_./:@ "
"""Which character stands for all that are alike in a text that people will read."""


class Exhausted(Exception):
    """The bound was reached before there was an answer."""


@dataclass(slots=True)
class Budget:
    """Steps that are left, for all questions together."""

    left: int = WORK

    def spend(self, steps: int) -> None:
        """Raises `Exhausted`."""
        self.left -= steps
        if self.left < 0:
            raise Exhausted


class Automaton:
    """Of one pattern. Sets of states are integers, a bit a state; bit 0 is the end."""

    __slots__ = ("_accepting", "_edges", "_free", "_start", "is_empty_accepted", "moves")

    def __init__(self, tree: Node) -> None:
        self.moves: dict[int, tuple[tuple[Range, ...], int]] = {}
        """State → characters, state behind them."""
        self._free: list[list[int]] = [[]]
        self._edges: dict[int, tuple[bool, int]] = {}
        """State → whether it stands for the end of the text, state behind it."""
        first = self._build(tree, 0)
        self._start = self._closure(first, at_start=True)
        self._accepting = self._before_the_end()
        self.is_empty_accepted = bool(self._closure(first, at_start=True, at_end=True) & 1)

    @property
    def start(self) -> int:
        """The states before the first character."""
        return self._start

    def accepts(self, states: int) -> bool:
        """Whether a text that led to these states, and was not empty, is taken."""
        return bool(states & self._accepting)

    def behind(self, state: int) -> int:
        """The states that the move of this state leads to."""
        return self._closure(self.moves[state][1])

    def _new(self) -> int:
        if len(self._free) >= MAX_STATES:
            raise Unfollowed("repetitions that make it very large")
        self._free.append([])
        return len(self._free) - 1

    def _build(self, node: Node, behind: int) -> int:
        """The state from which `node` leads to `behind`."""
        state = behind
        match node:
            case Chars(ranges):
                state = self._new()
                self.moves[state] = (ranges, behind)
            case Edge(is_end):
                state = self._new()
                self._edges[state] = (is_end, behind)
            case Items(items):
                for item in reversed(items):
                    state = self._build(item, state)
            case Choice(options):
                state = self._new()
                self._free[state] += [self._build(option, behind) for option in options]
            case Repeat(item, least, most):
                state = self._repeat(item, least, most, behind)
        return state

    def _repeat(self, item: Node, least: int, most: int | None, behind: int) -> int:
        state = behind
        if most is None:
            state = self._new()
            self._free[state] += [self._build(item, state), behind]
        else:
            for _ in range(most - least):
                optional = self._new()
                self._free[optional] += [self._build(item, state), behind]
                state = optional
        for _ in range(least):
            state = self._build(item, state)
        return state

    def _closure(self, state: int, *, at_start: bool = False, at_end: bool = False) -> int:
        seen, waiting = 0, [state]
        while waiting:
            at = waiting.pop()
            if seen >> at & 1:
                continue
            seen |= 1 << at
            waiting += self._free[at]
            if (edge := self._edges.get(at)) and (at_end if edge[0] else at_start):
                waiting.append(edge[1])
        return seen

    def _before_the_end(self) -> int:
        """The states from which the end is reached without another character."""
        into: dict[int, list[int]] = {}
        for state, others in enumerate(self._free):
            for other in others:
                into.setdefault(other, []).append(state)
        for state, (is_end, other) in self._edges.items():
            if is_end:
                into.setdefault(other, []).append(state)
        seen, waiting = 0, [0]
        while waiting:
            at = waiting.pop()
            if not seen >> at & 1:
                seen |= 1 << at
                waiting += into.get(at, ())
        return seen


@lru_cache(maxsize=64)  # one pattern is asked several questions; a large one has a megabyte
def automaton(pattern: str) -> Automaton:
    """Of a pattern that RE2 takes. Raises `Unfollowed`."""
    return Automaton(parse(pattern))


def witness(
    taken_by: Iterable[str], refused_by: Iterable[str] = (), *, budget: Budget
) -> str | None:
    """A shortest text that all of `taken_by` match as a whole and none of `refused_by`; None when
    there is none. Raises `Unfollowed`, `Exhausted`.
    """
    takers, refusers = tuple(taken_by), tuple(refused_by)
    search = _Search([automaton(pattern) for pattern in (*takers, *refusers)], len(takers), budget)
    return search.run()


class _Search:
    """Breadth first over the sets of states of all automata at once."""

    def __init__(self, automata: Sequence[Automaton], takers: int, budget: Budget) -> None:
        self._automata = automata
        self._takers = takers
        self._budget = budget
        self._alphabet = _Alphabet(automata)
        self._moves: list[dict[int, tuple[tuple[int, int], ...]]] = [{} for _ in automata]
        self._closures: list[dict[int, int]] = [{} for _ in automata]

    def run(self) -> str | None:
        if self._verdict(each.is_empty_accepted for each in self._automata):
            return ""
        start = tuple(each.start for each in self._automata)
        came: dict[tuple[int, ...], tuple[tuple[int, ...], int] | None] = {start: None}
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            self._budget.spend(4 * len(here))
            moves = [self._moves_of(index, states) for index, states in enumerate(here)]
            for letter in self._letters(moves):
                there = tuple(_reached(each, letter) for each in moves)
                if there in came or not all(there[: self._takers]):
                    continue
                came[there] = (here, letter)
                if self._verdict(a.accepts(s) for a, s in zip(self._automata, there, strict=True)):
                    return self._text(came, there)
                waiting.append(there)
        return None

    def _verdict(self, accepted: Iterable[bool]) -> bool:
        each = list(accepted)
        return all(each[: self._takers]) and not any(each[self._takers :])

    def _moves_of(self, index: int, states: int) -> tuple[tuple[int, int], ...]:
        """What leads on from a set of states: letters, and the states behind."""
        known = self._moves[index].get(states)
        if known is None:
            self._budget.spend(states.bit_count())
            automaton = self._automata[index]
            behind: dict[int, int] = {}
            for state in _bits(states):
                if state in automaton.moves:
                    letters = self._alphabet.of(index, state)
                    reached = self._closure(index, state)
                    self._budget.spend(1)
                    behind[letters] = behind.get(letters, 0) | reached
            known = self._moves[index][states] = tuple(behind.items())
        return known

    def _closure(self, index: int, state: int) -> int:
        known = self._closures[index].get(state)
        if known is None:
            known = self._closures[index][state] = self._automata[index].behind(state)
            self._budget.spend(known.bit_count())
        return known

    def _letters(self, moves: Sequence[tuple[tuple[int, int], ...]]) -> Iterator[int]:
        """One of each kind that none of the moves tells apart, of those that all takers take."""
        taken = -1
        for each in moves[: self._takers]:
            any_move = 0
            for letters, _ in each:
                any_move |= letters
            taken &= any_move
        kinds = [taken] if taken else []
        for each in moves:
            for letters, _ in each:
                self._budget.spend(len(kinds))
                kinds = [
                    part for kind in kinds for part in (kind & letters, kind & ~letters) if part
                ]
        self._budget.spend(1 + len(kinds) * sum(map(len, moves)))
        return (kind & -kind for kind in kinds)

    def _text(
        self,
        came: dict[tuple[int, ...], tuple[tuple[int, ...], int] | None],
        there: tuple[int, ...],
    ) -> str:
        letters = []
        step = came[there]
        while step is not None:
            letters.append(self._alphabet.characters[step[1].bit_length() - 1])
            step = came[step[0]]
        return "".join(reversed(letters))


def _reached(moves: tuple[tuple[int, int], ...], letter: int) -> int:
    reached = 0
    for letters, behind in moves:
        if letters & letter:
            reached |= behind
    return reached


class _Alphabet:
    """The characters that the automata tell apart, one standing for all that are alike. Sets of
    them are integers, a bit a letter.
    """

    def __init__(self, automata: Sequence[Automaton]) -> None:
        ranges = {r for a in automata for moved, _ in a.moves.values() for r in moved}
        # surrogates are no characters of a text, so they stand apart from what is
        cuts = sorted({0, 0xD800, 0xE000, *(r[0] for r in ranges), *(r[1] + 1 for r in ranges)})
        self._cuts = cuts
        self._automata = automata
        self._known: dict[tuple[Range, ...], int] = {}
        stands = sorted(
            (_standing(low, high - 1), index)
            for index, (low, high) in enumerate(zip(cuts, [*cuts[1:], 0x110000], strict=True))
            if low <= LAST and not 0xD800 <= low < 0xE000
        )
        self.characters = [chr(point) for (_, point), _ in stands]
        """By number of the bit; those that read best come first."""
        self._letters = {index: 1 << letter for letter, (_, index) in enumerate(stands)}

    def of(self, index: int, state: int) -> int:
        """The letters of the move of a state."""
        ranges = self._automata[index].moves[state][0]
        known = self._known.get(ranges)
        if known is None:
            known = self._known[ranges] = self._find(ranges)
        return known

    def _find(self, ranges: tuple[Range, ...]) -> int:
        found = 0
        for low, high in ranges:
            for index in range(bisect_right(self._cuts, low) - 1, bisect_right(self._cuts, high)):
                found |= self._letters.get(index, 0)
        return found


def _standing(low: int, high: int) -> tuple[int, int]:
    """How well a character of the range reads, and the character."""
    for rank, character in enumerate(_FAVOURED):
        if low <= ord(character) <= high:
            return rank, ord(character)
    readable = max(low, 0x21)
    if readable <= min(high, 0x7E):
        return len(_FAVOURED), readable
    return len(_FAVOURED) + 1, low


def _bits(states: int) -> Iterator[int]:
    while states:
        lowest = states & -states
        yield lowest.bit_length() - 1
        states ^= lowest
