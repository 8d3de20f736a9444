"""
Storms that outgrow one process: shards, what they measure, and how it is put together again.
"""
