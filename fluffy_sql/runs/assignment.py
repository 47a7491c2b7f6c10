"""The assignment problem: pairs of a row and a column, none of them twice, of largest sum.

Kuhn 1955, solved by shortest augmenting paths as Crouse has it (On implementing 2D rectangular
assignment algorithms, 2016), and so does `scipy.optimize.linear_sum_assignment`. This one takes the
same of several equal solutions; SciPy would be 143 MB for it.
"""

import numpy as np
from numpy.typing import NDArray


def assign(gains: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs of row and column of largest sum, by row; as many as the shorter side has.

    Args:
        gains: shape (rows, columns), finite.
    """
    if gains.shape[0] > gains.shape[1]:
        return sorted((row, column) for column, row in assign(np.ascontiguousarray(gains.T)))
    rows, columns = gains.shape
    # Whatever is left of a row's cost once its price and the column's are paid is never negative.
    row_prices, column_prices = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1)
    column_of = np.full(rows, -1)
    for new_row in range(rows):
        # The shortest path to a free column: each row but the new one is reached by its own column.
        lengths = np.full(columns, np.inf)
        came_from = np.full(columns, -1)
        left = np.arange(columns)[::-1].copy()  # so that of equal costs, row i gets column i
        row, length = new_row, 0.0
        passed: list[int] = []
        while row != -1:
            reach = length - gains[row, left] - row_prices[row] - column_prices[left]
            closer = reach < lengths[left]
            lengths[left[closer]] = reach[closer]
            came_from[left[closer]] = row
            length = lengths[left].min()
            nearest = np.flatnonzero(lengths[left] == length)
            free = nearest[row_of[left[nearest]] == -1]
            place = free[-1] if free.size else nearest[0]
            passed.append(left[place])
            row = row_of[left[place]]
            left[place] = left[-1]
            left = left[:-1]
        row_prices[new_row] += length
        row_prices[row_of[passed[:-1]]] += length - lengths[passed[:-1]]
        column_prices[passed] -= length - lengths[passed]
        column = passed[-1]
        while column != -1:
            row = row_of[column] = came_from[column]
            column, column_of[row] = column_of[row], column
    return list(enumerate(column_of.tolist()))
