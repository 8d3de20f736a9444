"""
What `make bench` runs: plain programs that measure the simulator from outside, in processes of their own.
"""
