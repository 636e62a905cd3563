"""Tables between strings and the integers that a model reads and writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from seqlab.errors import DataError, SettingsError, suggest


class _Table:
    """Distinct strings in a fixed order, each with an index that starts at `_FIRST`."""

    _FIRST = 0

    def __init__(self, items: Sequence[str]) -> None:
        if isinstance(items, str):
            raise SettingsError(f"items must be a sequence of strings, received the one string {items!r}.")
        self.items: tuple[str, ...] = tuple(items)
        self._index = {item: index for index, item in enumerate(self.items, self._FIRST)}
        if len(self._index) != len(self.items):
            twice = next(item for index, item in enumerate(self.items) if item in self.items[:index])
            raise DataError(f"The item {twice!r} occurs more than once; each must be there once.")

    def __len__(self) -> int:
        return self._FIRST + len(self.items)

    def __iter__(self) -> Iterator[str]:
        return iter(self.items)

    def __contains__(self, item: object) -> bool:
        return item in self._index

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.items == self.items

    def __hash__(self) -> int:
        return hash(self.items)

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self.items[:5])) + (", ..." if len(self.items) > 5 else "")
        return f"{type(self).__name__}([{shown}], {len(self.items)} items)"

    def get_config(self) -> dict[str, Any]:
        """Returns the items as JSON-safe values."""
        return {"items": list(self.items)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Rebuilds the table from `get_config()`."""
        return cls(**config)


class Vocabulary(_Table):
    """Words or characters with their indices; two indices are reserved and stand for no string.

    Index 0 is padding, index 1 any unknown item, and the items follow from 2. `len()` counts the reserved
    two, so it is the number of rows of an embedding table.

    Args:
        items: Distinct strings, in the order of their indices.

    >>> words = Vocabulary(["the", "cat"])
    >>> words.index("cat"), words.index("dog"), len(words)
    (3, 1, 4)
    """

    PADDING = 0
    UNKNOWN = 1
    _FIRST = 2

    def index(self, item: str) -> int:
        """Returns the index of an item, `Vocabulary.UNKNOWN` for one that is not in the vocabulary."""
        return self._index.get(item, self.UNKNOWN)

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], min_count: int = 1, max_size: int | None = None) -> Self:
        """Builds a vocabulary of the most frequent items, equally frequent ones in the order of code points.

        Args:
            counts: Item to number of occurrences, such as a `Counter`.
            min_count: Rarer items are left out.
            max_size: The most items to keep, the reserved two not counted; `None` keeps all.

        Raises:
            SettingsError: If `min_count` is below 1 or `max_size` below 0.

        >>> Vocabulary.from_counts({"b": 2, "a": 2, "c": 5, "d": 1}, min_count=2).items
        ('c', 'a', 'b')
        """
        if min_count < 1:
            raise SettingsError(f"min_count must be at least 1, received {min_count}.")
        if max_size is not None and max_size < 0:
            raise SettingsError(f"max_size must be None or at least 0, received {max_size}.")
        kept = [item for item, count in counts.items() if count >= min_count]
        return cls(sorted(kept, key=lambda item: (-counts[item], item))[:max_size])


class Labels(_Table):
    """Tags of one task with their indices from 0; nothing is reserved and nothing is unknown.

    Args:
        items: Distinct labels, in the order of their indices.

    >>> Labels(["B-NP", "I-NP", "O"]).index("O")
    2
    """

    def index(self, label: str) -> int:
        """Returns the index of a label.

        Raises:
            DataError: If the label is not one of the table's.
        """
        try:
            return self._index[label]
        except KeyError:
            shown = ", ".join(self.items[:30]) + (", ..." if len(self.items) > 30 else "")
            raise DataError(
                f"Received the label {label!r}, expected one of the {len(self)} known ({shown})."
                f"{suggest(label, self.items)} Correct the data, or add the label to the table."
            ) from None
