"""APIs: their resource types, and what goes over the wire in both directions."""
