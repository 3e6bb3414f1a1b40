"""SunSpec devices: found by their own description of themselves, and turned into device maps like
any other.
"""
