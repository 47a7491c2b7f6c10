"""FAISS on what COPY returns."""

from benchmarks.contenders.faiss_fit import fit_labels
from benchmarks.transfer import label_by_copy


def run(url: str, k: int) -> None:
    """Exports, clusters, writes labels back."""
    label_by_copy(url, k, fit_labels)
