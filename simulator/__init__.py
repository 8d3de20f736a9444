"""
A local stand-in for messaging providers.
"""

__version__ = "0.2.0"
__all__ = ["__version__"]
