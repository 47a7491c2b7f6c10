"""A library of pictures to try the clustering on, drawn from a seed on the spot.

Twelve themes are painted with Pillow, and each picture is described by its colours and edges in
place of a DINO embedding. Importing this package without Pillow, which the extra `sample` brings,
raises the ordinary ImportError.
"""
