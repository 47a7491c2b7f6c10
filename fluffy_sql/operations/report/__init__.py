"""A report to look at clusters with: one page and a contact sheet for each cluster.

Importing its parts without Pillow and Jinja2, which the extra `report` brings, raises the ordinary
ImportError.
"""
