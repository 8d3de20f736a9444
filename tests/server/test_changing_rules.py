"""
Rules and circumstances that a test puts in force while its space goes on.
"""

from __future__ import annotations

from serving import SPACE, serving
