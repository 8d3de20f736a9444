"""
Arithmetic of texts and numbers.
"""
