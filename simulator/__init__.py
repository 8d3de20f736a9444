"""
A local stand-in for messaging providers.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
