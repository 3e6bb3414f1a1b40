"""DL/T 645-2007, the protocol of Chinese utility meters; their meters take the same role as Modbus
ones.
"""
