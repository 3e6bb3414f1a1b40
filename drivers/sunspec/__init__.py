"""SunSpec devices: found by the description in their registers, and turned into device maps."""
