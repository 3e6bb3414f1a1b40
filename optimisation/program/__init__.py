"""The linear program: the Pyomo model, its shape, parameters and compiled form."""
