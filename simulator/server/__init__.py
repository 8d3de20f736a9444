"""
The server: providers, spaces and the control API behind one port.
"""
