"""
What the control API can do, one function per operation, without HTTP.
"""
