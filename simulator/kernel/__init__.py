"""
The kernel: what happens to messages, as pure and passive Python.

It never waits, never reads a watch and never rolls a die that it was not
handed.  Time is a number someone moves forward.
"""
