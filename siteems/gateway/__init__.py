"""The daemon of a site gateway: wires devices, clock, scheduler, solver and historian to the one
controller.
"""
