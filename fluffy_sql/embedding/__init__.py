"""What makes embeddings of photos: decoding, and the providers."""
