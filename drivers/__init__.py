"""Pure I/O: Modbus links, register maps as data, device roles, simulated devices. Knows nothing of
prices.
"""
