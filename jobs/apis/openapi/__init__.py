"""Drafts of descriptions from OpenAPI documents: what a vendor wrote down, and what it left open."""
