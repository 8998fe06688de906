"""Commerce Layer, as far as its description does not say it: abstract types, relationships, tags, compound documents.

The rules are those of its pages "Update a stripe payment" and "Update a transaction" and of the JSON:API
specification 1.0. Nothing here sends anything, and nothing of a reply is kept but what is named.
"""
