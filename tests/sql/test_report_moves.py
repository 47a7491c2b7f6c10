"""What a report shows of photos that runs moved."""

from typing import Any

from fluffy_sql.postgres.session import Session
from tests.sql.helpers import add_with_ids, hide, open_run, record_move


def test_from_where_to_where_since_a_run_the_largest_first(session: Session) -> None:
    add_with_ids(session, {photo_id: [1, photo_id] for photo_id in range(1, 9)})
    runs = []
    for _ in range(3):
        runs.append(open_run(session))
        session.connection.execute("UPDATE cluster_runs SET status = 'succeeded'")
    first, second, third = runs
    record_move(session, first, [8], 1, 2)
    record_move(session, second, [1, 2, 3, 4], 1, 2)
    record_move(session, second, [5, 6], None, 3)
    record_move(session, third, [4], 2, 1)  # back again
    record_move(session, third, [3], 2, 3)
    record_move(session, third, [7], 8, 9)  # of clusters that are not asked for
    hide(session, 6)

    def listed(**limits: int) -> list[tuple[Any, ...]]:
        asked: dict[str, Any] = {"after_run": first, "cluster_ids": [1, 2, 3]}
        rows = session.fetch_all("report/list_moves", **asked, **limits)
        return [tuple(row.values()) for row in rows]

    every = listed(most_moves=9, most_photos=9)
    assert [(*row[:5], row[7]) for row in every] == [
        (3, 4, 1, 2, 2, 1),
        (3, 4, 1, 2, 2, 2),
        (3, 4, 1, 3, 1, 1),
        (3, 4, None, 3, 1, 1),
    ]
    assert {row[5] for row in every[:2]} == {1, 2}
    assert every[3][5:7] == (5, "p5")
    assert listed(most_moves=1, most_photos=1) == every[:1]
