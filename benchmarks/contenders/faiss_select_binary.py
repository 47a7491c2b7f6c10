"""FAISS on what SELECT returns in binary."""

from benchmarks.contenders.faiss_fit import fit_labels
from benchmarks.transfer import label_by_select


def run(url: str, k: int) -> None:
    """Exports, clusters, writes labels back."""
    label_by_select(url, k, fit_labels, binary=True)
