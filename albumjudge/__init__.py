"""One network paints album covers, another says what it feels, people vote on whether they feel the same."""

import os

__version__ = "0.1.0"

# huggingface_hub reads this once, when it is first imported, and nothing imports it before this package does.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
