"""
Secrets in what is shown and kept: where they stand, and two policies for what stands there instead.

`Withholding` puts one word in the place of every secret, for evidence that people
read.  `Renaming` gives each a name of its own, for records that are replayed.
"""

from simulator.secrecy.places import HARMLESS, SECRET_NAME, is_secret, secrets_in
from simulator.secrecy.renaming import Renaming
from simulator.secrecy.withholding import WITHHELD, Withholding, harmless_query, harmless_text

__all__ = [
    "HARMLESS",
    "SECRET_NAME",
    "WITHHELD",
    "Renaming",
    "Withholding",
    "harmless_query",
    "harmless_text",
    "is_secret",
    "secrets_in",
]
