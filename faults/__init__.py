"""What happens when something breaks under load: real processes, cut off, killed and flooded.

Owns the scenarios of `make faults`. Nothing of the product may import it.
"""
