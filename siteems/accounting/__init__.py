"""What is owed and what is saved: bills, demand charges, wear, carbon, the balance of a span.

Demo, replay, scores and bills all use this arithmetic, so that their figures can be compared.
"""
