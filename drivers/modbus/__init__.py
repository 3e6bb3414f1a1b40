"""Modbus devices: link, register maps as data, reading and writing."""
