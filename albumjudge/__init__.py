"""One network paints album covers, another says what it feels, people vote on whether they feel the same."""

__version__ = "0.1.0"
