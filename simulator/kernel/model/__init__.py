"""
Values, records and tables: what there is.
"""
