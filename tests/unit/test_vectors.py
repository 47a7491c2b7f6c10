"""Vectors: what is encoded in one go is what Postgres reads, and what it sends comes as float32."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fluffy_sql.postgres.session import Session
from fluffy_sql.postgres.vectors import IntegerArray, VectorArray

Matrix = NDArray[np.float32]

LARGEST = float(np.finfo(np.float32).max)
SMALLEST = float(np.finfo(np.float32).smallest_subnormal)


def random_matrix(rows: int, dimensions: int) -> Matrix:
    return np.random.default_rng(rows).normal(size=(rows, dimensions)).astype(np.float32)


def query(session: Session, text: str, *parameters: object) -> list[tuple[Any, ...]]:
    return session.connection.execute(text, parameters, binary=True).fetchall()


def test_a_matrix_makes_the_round_trip(session: Session) -> None:
    for matrix in [
        random_matrix(1, 1),
        random_matrix(3, 1),
        random_matrix(1, 7),
        random_matrix(200, 768),
        random_matrix(5, 2_000),
        random_matrix(1, 16_000),  # the most pgvector takes
        np.array([[0.0, -0.0, LARGEST, -LARGEST, SMALLEST, 0.1]], dtype=np.float32),
    ]:
        rows = query(session, "SELECT unnest(%b::vector[])", session.vector_array(matrix))
        assert all(row[0].dtype == np.float32 for row in rows)
        assert np.stack([row[0] for row in rows]).tobytes() == matrix.tobytes()


def test_postgres_sees_the_same_numbers_as_in_text(session: Session) -> None:
    """Both directions could be wrong in the same way; pgvector's text form shows neither is."""
    encoded = session.vector_array(np.array([[1, -2.5, 0], [3, 4, 1e10]], dtype=np.float32))
    text = query(session, "SELECT (%b::vector[])::text", encoded)[0][0]
    assert text == '{"[1,-2.5,0]","[3,4,1e+10]"}'
    loaded = query(session, "SELECT '[1,-2.5,0]'::vector")[0][0]
    assert loaded.tolist() == [1, -2.5, 0]


def test_no_rows_are_an_empty_array(session: Session) -> None:
    empty = session.vector_array(np.empty((0, 5), dtype=np.float32))
    assert query(session, "SELECT cardinality(%b::vector[])", empty) == [(0,)]
    assert query(session, "SELECT unnest(%b::vector[])", empty) == []


def test_rows_keep_their_places(session: Session) -> None:
    matrix = np.arange(20, dtype=np.float32)[:, None]
    rows = query(
        session,
        "SELECT u.place, u.v FROM unnest(%b::vector[]) WITH ORDINALITY AS u (v, place)",
        session.vector_array(matrix),
    )
    assert [(place, vector.tolist()) for place, vector in rows] == [
        (i + 1, [float(i)]) for i in range(20)
    ]


def test_the_layout_in_memory_does_not_matter(session: Session) -> None:
    matrix = random_matrix(6, 4)
    layouts: list[Any] = [
        matrix.astype(np.float64),
        matrix.astype(">f4"),
        np.repeat(matrix, 2, axis=0)[::2],
        np.asfortranarray(matrix),
    ]
    for laid_out in layouts:
        assert session.vector_array(laid_out) == session.vector_array(matrix)


def test_a_loaded_vector_may_be_written_to(session: Session) -> None:
    vector = query(session, "SELECT '[1,2]'::vector")[0][0]
    vector += 1
    assert vector.tolist() == [2, 3]


def test_null_is_none(session: Session) -> None:
    assert query(session, "SELECT NULL::vector") == [(None,)]


def test_an_array_is_encoded_once_for_all_sessions() -> None:
    """Workers on other connections send the same bytes."""
    matrix = random_matrix(2, 3)
    assert VectorArray.of(matrix, 7) == VectorArray.of(matrix.copy(), 7)
    assert VectorArray.of(matrix, 7) != VectorArray.of(matrix, 8)


def test_integers_make_the_round_trip(session: Session) -> None:
    for numbers in ([0], [-1, 2**31 - 1, -(2**31)], list(range(1_000)), []):
        sent = IntegerArray.of(np.array(numbers, dtype=np.int32))
        [[received]] = query(session, "SELECT %b::integer[]", sent)
        assert received.dtype == np.int32
        assert received.tolist() == numbers
