"""DL/T 645-2007, the protocol of Chinese utility meters: a second way beside Modbus, behind the
same role.
"""
