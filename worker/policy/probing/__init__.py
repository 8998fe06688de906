"""Test a description of an API on one record: what to try, and what the replies show. Pure: the caller sends and waits.

`survey` judges what was read, `trials` is the conversation of the writes, `noting` puts what was found into the
description.
"""
