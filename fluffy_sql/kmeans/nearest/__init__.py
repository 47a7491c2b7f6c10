"""How rows find their nearest centroid: among all, among candidates, or around their last one."""
