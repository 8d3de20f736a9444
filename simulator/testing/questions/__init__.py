"""
The questions of the contract, a module for each subject; every function in `QUESTIONS` is one.
"""
